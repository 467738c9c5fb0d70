"""How often, and for how long: of the link to the server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Periods:
    """In seconds."""

    heartbeat: float = 10.0
    silence: float = 30.0  # without a word from the Gateway the Session is lost
    superseded: float = 30.0  # so that two daemons with one certificate cannot take turns
    renew_again: float = 600.0  # after a renewal that failed
    goodbye: float = 1.0  # for the Gateway to take ours and end the stream
