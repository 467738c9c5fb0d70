"""How far the PTY may be read while somebody watches: a flood stays watchable, but nobody can hold the agent."""

STALLED_S = 2.0  # a limit that is reached and does not rise for so long is lifted


class Pacing:
    def __init__(self) -> None:
        self._limits: dict[object, int] = {}
        self._limit: int | None = None
        self._reached_at: float | None = None

    def limit(self, connection: object, offset: int) -> None:
        """0 lifts what this connection set."""
        before = self._limit
        self._limits.pop(connection, None)
        if offset:
            self._limits[connection] = offset
        self._limit = max(self._limits.values(), default=None)
        if before is None or self._limit is None or self._limit > before:
            self._reached_at = None

    def room(self, end: int) -> int | None:
        """Bytes that may be read now; None: any number."""
        return None if self._limit is None else max(0, self._limit - end)

    def lifts_at(self, end: int, now: float) -> float | None:
        """When the limit that stops reading at `end` is lifted; None while none stops it."""
        if self.room(end) != 0:
            return None
        if self._reached_at is None:
            self._reached_at = now
        return self._reached_at + STALLED_S

    def lift_if_stalled(self, end: int, now: float) -> None:
        at = self.lifts_at(end, now)
        if at is not None and at <= now:
            self._limits.clear()
            self._limit = self._reached_at = None
