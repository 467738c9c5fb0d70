"""Pod hosts: a program of its own that keeps one Pod's PTY and log, and outlives the Runner daemon.

Standard library and ptyprocess only, run with `-I -S`, so that a host stays below 2 MB. Parts, top to bottom:
template (forks one host per Pod) · host (the loop) · inputs, pty, family, log · wire (what both sides say).
"""
