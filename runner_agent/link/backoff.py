"""How long to wait before dialling again: full jitter, so that Runners do not come back in step."""

import random
from collections.abc import Callable

SHORTEST_S, LONGEST_S = 0.25, 4.0  # after an outage all is live again within 5 s
GOOD_AFTER_S = 30.0  # a connection that held this long makes the next failure the first again


class Backoff:
    """`chance` answers numbers in [0, 1)."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._ceiling = SHORTEST_S

    def held(self, seconds: float) -> None:
        """A connection ended that was good for so long."""
        if seconds >= GOOD_AFTER_S:
            self._ceiling = SHORTEST_S

    def next(self) -> float:
        """Seconds to wait, anything from none to a ceiling that doubles at each call."""
        delay = self._chance() * self._ceiling
        self._ceiling = min(LONGEST_S, self._ceiling * 2)
        return delay
