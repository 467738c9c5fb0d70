"""Releases of the Runner: built and signed, taken from the server, installed beside, tried, kept or taken back.

`launcher` is what an update does not replace: it starts the daemon of the newest release and guards a new one.
`updater` does what the server asks, up to the switch; `guard` is the daemon's word with its launcher.
"""
