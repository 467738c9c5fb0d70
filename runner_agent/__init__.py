"""The Runner: a program of its own that runs Pods on this machine. Shares only `proto` with the server.

`cli` and `daemon` put it together. `link/` is the way to the server, `commands` and `ledger` do what it asks, once.
`pods/` starts and ends Pods, in a `workspaces/` directory of their own, in the `jail/`; `terminals/` shows them.
`podhost/` is a program of its own again: standard library only, so that a Pod's host stays small. `demo/` is an agent.
"""

__version__ = "0.1.0"
