"""One numbered stream of bytes with the end of it kept, and cursors that read it at their own pace. Pure.

The leading cursor's acknowledgement is what the source is told, so the fastest reader sets the pace.
A cursor that fell behind what is kept says so; its reader goes on in another feed.
"""

import itertools
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from pods.terminals.messages import Chunk, End, Gap, Screen, Shown, Size

RING = 1024 * 1024  # bytes kept for readers slower than the leading one
_SMALL = 4 * 1024  # smaller pieces are put together, so that a ring has few of them

_numbers = itertools.count(1)


class Pace(NamedTuple):
    """In bytes: the most in one message, and the most that a reader may have in hand without acknowledging it."""

    frame: int
    window: int


BROWSER = Pace(64 * 1024, 256 * 1024)
# Between our own processes a message costs more than its bytes, and acknowledgements travel while bytes do.
HOP = Pace(128 * 1024, 512 * 1024)


class Source(Protocol):
    """Where feeds come from. It pushes into each from its `end`, or shows a Screen first if it has not `started`."""

    def open(self, feed: "Feed") -> None: ...

    def ack(self, feed: "Feed", offset: int) -> None:
        """The source may send a HOP's window beyond `offset`."""

    def close(self, feed: "Feed") -> None: ...


class _Piece(NamedTuple):
    offset: int
    data: bytes
    came_at: float


class Feed:
    """`start` None: it begins with the Screen that will be shown. `number` is unique in this process."""

    def __init__(self, start: int | None, source: Source, ring: int = RING) -> None:
        self.number = next(_numbers)
        self.started = start is not None
        self.start = self.end = self.acked = start or 0
        self.ring = ring
        self.screen: Screen | None = None
        self.ended: End | None = None
        self.cursors: set[Cursor] = set()
        self._source = source
        self._pieces: deque[_Piece] = deque()
        self._sizes: deque[tuple[int, Size]] = (
            deque()
        )  # numbered; the first applies from `start` on
        self._sizes_seen = itertools.count()

    # ---- for the source

    def push(self, offset: int, data: bytes) -> bool:
        """Append what is new in `data`. False: it starts beyond `end`, and must come again from there."""
        if offset > self.end or not self.started:
            return False
        if offset < self.end:
            data = data[self.end - offset :]
        if data:
            self._append(data)
            self._wake()
        return True

    def show(self, screen: Screen) -> bool:
        """Begin with `screen`. False: the feed goes on without a break, and must come again from `end`."""
        if self.started:
            return False
        self.screen, self.started = screen, True
        self.start = self.end = self.acked = screen.offset
        self.resize(Size(screen.offset, screen.cols, screen.rows))
        return True

    def skip(self, to: int) -> None:
        """The source no longer keeps the bytes from `end` to `to`."""
        if to > self.end:
            self.end = to
            self._wake()

    def resize(self, size: Size) -> None:
        last = self._sizes[-1][1] if self._sizes else None
        if last and (last.cols, last.rows) == (size.cols, size.rows):
            return
        if last and last.offset == self.end:
            self._sizes.pop()
        self._sizes.append((next(self._sizes_seen), Size(self.end, size.cols, size.rows)))
        self._wake()

    def finish(self, end: End) -> None:
        self.ended = end
        self._wake()

    # ---- for cursors

    def covers(self, offset: int) -> bool:
        return self.started and self.start <= offset <= self.end

    def settle(self) -> None:
        """Tell the source how far the leading reader is: in quarters of its window, or when it may be waiting."""
        leading = max((cursor.acked for cursor in self.cursors), default=self.acked)
        gained = leading - self.acked
        waiting = self.end - self.acked > HOP.window - HOP.frame
        if gained >= HOP.window // 4 or (gained > 0 and waiting):
            self.acked = leading
            self._source.ack(self, leading)

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` kept bytes from `offset`. One kept piece is handed on as it is, not copied."""
        at = self._piece_at(offset)
        if at < 0 or offset >= self._pieces[at].offset + len(self._pieces[at].data):
            return b""
        first = self._pieces[at]
        data = first.data
        if offset > first.offset or len(data) > limit:
            data = data[offset - first.offset : offset - first.offset + limit]
        parts, got = [data], len(data)
        for piece in itertools.islice(self._pieces, at + 1, None):
            if got + len(piece.data) > limit or piece.offset != offset + got:
                break
            parts.append(piece.data)
            got += len(piece.data)
        return data if len(parts) == 1 else b"".join(parts)

    def next_kept(self, offset: int) -> int:
        """The first kept byte after `offset`; the end if there is none."""
        at = self._piece_at(offset) + 1
        return self._pieces[at].offset if at < len(self._pieces) else self.end

    def age_at(self, offset: int) -> float:
        """Seconds since the bytes at `offset` came."""
        at = self._piece_at(offset)
        return time.monotonic() - self._pieces[at].came_at if at >= 0 else 0.0

    def size_from(self, number: int) -> tuple[int, Size] | None:
        """The first size numbered `number` or more."""
        return next((entry for entry in self._sizes if entry[0] >= number), None)

    def size_at(self, offset: int) -> int:
        """The number of the size that applies at `offset`."""
        before = [number for number, size in self._sizes if size.offset <= offset]
        return before[-1] if before else 0

    # ----

    def _piece_at(self, offset: int) -> int:
        if self._pieces and offset >= self._pieces[-1].offset:
            return len(self._pieces) - 1
        return bisect_right(self._pieces, offset, key=_offset) - 1

    def _append(self, data: bytes) -> None:
        last = self._pieces[-1] if self._pieces else None
        new = _Piece(self.end, data, time.monotonic())
        if (
            last
            and last.offset + len(last.data) == self.end
            and len(last.data) + len(data) <= _SMALL
        ):
            self._pieces[-1] = _Piece(last.offset, last.data + data, new.came_at)
        else:
            self._pieces.append(new)
        self.end += len(data)
        while self.end - self.start > self.ring and len(self._pieces) > 1:
            self._pieces.popleft()
            self.start = self._pieces[0].offset
        while len(self._sizes) > 1 and self._sizes[1][1].offset <= self.start:
            self._sizes.popleft()

    def _wake(self) -> None:
        for cursor in self.cursors:
            cursor.on_change()


class Cursor:
    """One reader's place in a feed. `position` None: it begins with the feed's screen.

    `acked` is what the reader has acknowledged so far, when it comes from another feed.
    """

    def __init__(
        self,
        feed: Feed,
        position: int | None,
        on_change: Callable[[], None],
        acked: int | None = None,
        pace: Pace = BROWSER,
    ) -> None:
        self.feed, self.on_change, self.pace = feed, on_change, pace
        self.waits_for_screen = position is None
        self.position = feed.end if position is None else position
        self.acked = self.position if acked is None else acked
        self._size = feed.size_at(self.position)
        feed.cursors.add(self)

    def close(self) -> None:
        self.feed.cursors.discard(self)
        self.feed.settle()

    def ack(self, offset: int) -> None:
        """Less than before changes nothing; more than was sent counts as all of it."""
        if offset > self.acked:
            self.acked = min(offset, self.position)
            self.feed.settle()
            self.on_change()

    @property
    def room(self) -> int:
        """Bytes that may be sent now."""
        return self.acked + self.pace.window - self.position

    @property
    def is_behind(self) -> bool:
        return not self.waits_for_screen and self.position < self.feed.start

    def take(self) -> Shown | None:
        """What comes next, as far as the window allows. None: nothing now, or it is kept no longer."""
        if self.waits_for_screen:
            return self._take_screen()
        if self.is_behind:
            return None
        entry = self.feed.size_from(self._size)
        if entry and entry[1].offset <= self.position:
            self._size = entry[0] + 1
            return entry[1]
        if self.position >= self.feed.end:
            return self.feed.ended
        limit = min(self.room, self.pace.frame)
        if entry:
            limit = min(limit, entry[1].offset - self.position)
        return self._take_bytes(limit) if limit > 0 else None

    def _take_screen(self) -> Screen | None:
        if (screen := self.feed.screen) is not None:
            self.waits_for_screen = False
            self.position = self.acked = screen.offset
            self._size = self.feed.size_at(screen.offset)
        return screen

    def _take_bytes(self, limit: int) -> Shown:
        start = self.position
        if data := self.feed.read(start, limit):
            self.position += len(data)
            return Chunk(start, data)
        self.position = self.acked = self.feed.next_kept(start)
        self.feed.settle()
        return Gap(start, self.position)


def _offset(piece: _Piece) -> int:
    return piece.offset
