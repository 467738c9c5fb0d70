"""Pod hosts: a program of its own that keeps one Pod's PTY and log, and outlives the Runner daemon.

Standard library and ptyprocess only, run with `-I -S` on Linux, so that a host stays below 2 MB. Parts, top to
bottom: template (forks one host per Pod) · host (the loop) · clients, terminal · ending, inputs, pacing, log, agent,
family · files, wire (what both sides say). The daemon's side is `runner_agent.hosts`.
"""
