"""How often and how long, in seconds. One place, so that a test can shorten them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Periods:
    heartbeat: float = 10
    silence: float = 30  # a Runner not heard for so long has gone
    sweep: float = 2
    healthy: float = 6  # a sweep ended within this: ready
    row: float = 5  # the Gateway's row is refreshed
    gateway_dead: float = 20  # a Gateway not refreshed for so long is swept
    certificate: float = 5  # how long a certificate's standing is believed
    hello: float = 10  # a Runner that dials must say hello within this
    goodbye: float = 2  # given to the peer to take our last word
    drain: float = 8  # of the 10 s in which SIGTERM ends the process
