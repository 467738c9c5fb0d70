"""What is to be typed, in order, and how much of each writer's own stream has been accepted."""

from collections import deque
from typing import Protocol

WRITERS = 256  # remembered at once; the one that was silent longest is forgotten
TYPED_AHEAD = 1 << 20  # bytes accepted before a connection is no longer read


class Teller(Protocol):
    def taken(self, writer: bytes, position: int, *, hidden: bool) -> None: ...


class Inputs:
    def __init__(self) -> None:
        self.pending = bytearray()
        self._queued = self._typed = 0  # bytes ever
        self._hidden = 0  # of them, the end of the last that the Terminal hid
        self._waiting: deque[tuple[int, int, Teller, bytes, int]] = deque()  # begin and end first
        self._accepted: dict[bytes, int] = {}  # writer → position; the newest writer last

    @property
    def full(self) -> bool:
        return len(self.pending) > TYPED_AHEAD

    def take(self, teller: Teller, writer: bytes, position: int, data: bytes) -> None:
        """Queue the bytes that are new; the teller hears when the PTY took all before `position + len(data)`,
        or at which position to go on if bytes before these are missing. A writer not known (or forgotten) begins
        where it says. Without a writer: as it comes."""
        if writer:
            accepted = self._accepted.pop(writer, position)
            data = data[accepted - position :] if position <= accepted else b""
            position = self._accepted[writer] = accepted + len(data)
            if len(self._accepted) > WRITERS:
                del self._accepted[next(iter(self._accepted))]
        else:
            position += len(data)
        start = self._queued
        self.type(data)
        self._waiting.append((start, self._queued, teller, writer, position))
        self._tell()

    def type(self, data: bytes) -> None:
        self.pending += data
        self._queued += len(data)

    def typed(self, count: int, *, hidden: bool) -> None:
        """The PTY took this many bytes. `hidden`: it does not show what is typed."""
        del self.pending[:count]
        self._typed += count
        if hidden:
            self._hidden = self._typed
        self._tell()

    def _tell(self) -> None:
        while self._waiting and self._waiting[0][1] <= self._typed:
            start, _, teller, writer, position = self._waiting.popleft()
            teller.taken(writer, position, hidden=self._hidden > start)
