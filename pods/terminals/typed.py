"""What one viewer has typed and the PTY has not confirmed. Pure."""

from collections import deque
from collections.abc import Iterator

from pods.terminals.feed import BROWSER

AHEAD = 1024 * 1024  # bytes a viewer may have typed before the PTY takes them
WINDOW = 128 * 1024  # of these, bytes on their way to the Runner
AGAIN_S = 1.0  # the Runner's wish to hear something again is granted once in this


class Typed:
    """Bytes are numbered; what is sent again is taken once, because the Pod host knows the numbers.

    `end` is the number that the next byte must have; None until the first one says.
    """

    def __init__(self) -> None:
        self.end: int | None = None
        self.taken = 0
        self._sent = 0
        self._kept: deque[tuple[int, bytes]] = (
            deque()
        )  # not confirmed, in pieces of a frame at most
        self._asked_at = float("-inf")

    def add(self, position: int | None, data: bytes) -> str:
        """Why it is refused, or "". What is known already is dropped."""
        if self.end is None:
            self.end = self.taken = self._sent = position or 0
        if position is not None and position > self.end:
            return "gap"
        fresh = data if position is None else data[self.end - position :]
        if self.end + len(fresh) - self.taken > AHEAD:
            return "busy"
        for start in range(0, len(fresh), BROWSER.frame):
            self._kept.append((self.end + start, fresh[start : start + BROWSER.frame]))
        self.end += len(fresh)
        return ""

    def due(self) -> Iterator[tuple[int, bytes]]:
        """What may be sent now; it then counts as sent."""
        for position, data in tuple(self._kept):
            if position + len(data) > self.taken + WINDOW:
                return
            if position >= self._sent:
                self._sent = position + len(data)
                yield position, data

    def confirm(self, position: int, now: float) -> bool:
        """The PTY has taken all below `position`. False: it was known, so the Runner wants the rest again."""
        if position <= self.taken:
            if self._sent > self.taken and now - self._asked_at > AGAIN_S:
                self._asked_at = now
                self.rewind()
                return False
            return True
        self.taken = position
        self._sent = max(self._sent, position)
        self.end = max(self.end or 0, position)
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= position:
            self._kept.popleft()
        if self._kept and self._kept[0][0] < position:
            start, data = self._kept.popleft()
            self._kept.appendleft((position, data[position - start :]))
        return True

    def rewind(self) -> None:
        """Send again whatever is not confirmed: the way to the PTY is a new one."""
        self._sent = self.taken

    def drop(self, position: int) -> int:
        """What starts at `position` was refused: forget it and all that follows. Where typing goes on."""
        while self._kept and self._kept[-1][0] >= position:
            self._kept.pop()
        if self._kept:
            self.end = self._kept[-1][0] + len(self._kept[-1][1])
        elif self.end is not None:
            self.end = self.taken
        self._sent = min(self._sent, self.end or 0)
        return self.end or 0
