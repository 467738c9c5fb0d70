"""The Runner: a program of its own that runs Pods on this machine. Shares only `proto` with the server.

Parts, top to bottom: cli · daemon · link, mcp_server · wire, commands, supervisor · terminals, hosts, workspace,
git, agents, execute, enroll · confine, screen, ledger, outbox · config, messages, backoff, together.
`podhost/` is a program of its own again: standard library only, so that a Pod's host stays small.
"""

__version__ = "0.1.0"
