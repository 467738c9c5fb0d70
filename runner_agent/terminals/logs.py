"""A Pod's output on disk, by offset, for any number of readers; with or without a living host."""

import os
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from runner_agent.podhost.log import MARK, SUFFIXES, name

INDEX_READ = MARK.size << 8  # bytes; whole marks
OPEN_SEGMENTS = 8  # of one Pod; readers far apart open and close them in turn

Size = tuple[int, int]  # cols, rows


class GoneError(Exception):
    """The bytes before `first` are no longer kept."""

    def __init__(self, first: int) -> None:
        super().__init__(f"output before {first} is no longer kept")
        self.first = first


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that were all written for a Terminal of this size; none: nothing is there yet."""

    size: Size
    data: bytes


NOTHING = Piece((0, 0), b"")


@dataclass(slots=True)
class _Segment:
    start: int
    data: int  # descriptors
    index: int
    index_read: int = 0
    resized_at: list[int] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)

    def size_at(self, offset: int) -> tuple[Size, int | None]:
        """The size there, and the offset at which it changes."""
        self._read_index()
        after = bisect_right(self.resized_at, offset)
        following = self.resized_at[after] if after < len(self.resized_at) else None
        return self.sizes[max(0, after - 1)], following

    def _read_index(self) -> None:
        new = os.pread(self.index, INDEX_READ, self.index_read)
        whole = len(new) // MARK.size * MARK.size
        for offset, _, cols, rows in MARK.iter_unpack(new[:whole]):
            if cols:
                self.resized_at.append(offset)
                self.sizes.append((cols, rows))
        self.index_read += whole
        if len(new) == INDEX_READ:
            self._read_index()

    def close(self) -> None:
        os.close(self.data)
        os.close(self.index)


class PodLog:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._starts: list[int] = []
        self._open: dict[int, _Segment] = {}  # the one used last comes last

    def first(self) -> int:
        """The offset of the first byte kept."""
        self._look()
        return self._starts[0] if self._starts else 0

    def end(self) -> int:
        """Of what is on disk; a living host knows better."""
        self._look()
        if not self._starts:
            return 0
        return self._starts[-1] + (self.directory / name(self._starts[-1])).stat().st_size

    def starts(self) -> list[int]:
        """Where the segments kept begin."""
        self._look()
        return list(self._starts)

    def path(self, start: int, suffix: str) -> Path:
        """A file beside the segment; it goes when the segment goes."""
        if suffix not in SUFFIXES:
            raise ValueError(f"{suffix} would be left behind")
        return self.directory / (name(start) + suffix)

    def is_start(self, offset: int) -> bool:
        at = bisect_right(self._starts, offset)
        return at > 0 and self._starts[at - 1] == offset

    def take(self, offset: int, limit: int) -> Piece:
        """At most `limit` bytes from `offset`; GoneError if they are no longer kept."""
        segment = self._segment(offset)
        if segment is None:
            return NOTHING
        size, until = segment.size_at(offset)
        room = limit if until is None else min(limit, until - offset)
        data = os.pread(segment.data, room, offset - segment.start)
        if data or until is not None:
            return Piece(size, data)
        self._look()
        following = self._segment(offset)
        if following is None or following is segment:
            return Piece(size, b"")
        return self.take(offset, limit)

    def size_at(self, offset: int) -> Size | None:
        """None: nothing is written yet."""
        segment = self._segment(offset)
        return segment.size_at(offset)[0] if segment else None

    def time_at(self, offset: int) -> int:
        """When the byte was written, in ms of the wall clock; at most 250 ms too early. 0: not known."""
        segment = self._segment(offset)
        if segment is None:
            return 0
        marks = os.pread(segment.index, 1 << 21, 0)
        whole = len(marks) // MARK.size * MARK.size
        times = [ms for at, ms, _, _ in MARK.iter_unpack(marks[:whole]) if at <= offset]
        return times[-1] if times else 0

    def _segment(self, offset: int) -> _Segment | None:
        start = self._start_before(offset)
        if start is None:
            return None
        segment = self._open.pop(start, None)
        if segment is None:
            try:
                segment = self._open_segment(start)
            except FileNotFoundError:  # dropped in between
                self._look()
                return self._segment(offset)
        self._open[start] = segment
        if len(self._open) > OPEN_SEGMENTS:
            self._open.pop(next(iter(self._open))).close()
        return segment

    def _start_before(self, offset: int) -> int | None:
        for look in (False, True):
            if look:
                self._look()
            at = bisect_right(self._starts, offset)
            if at:
                return self._starts[at - 1]
        if self._starts:
            raise GoneError(self._starts[0])
        return None

    def _open_segment(self, start: int) -> _Segment:
        data = os.open(self.directory / name(start), os.O_RDONLY | os.O_CLOEXEC)
        try:
            index = os.open(self.path(start, ".index"), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            os.close(data)
            raise
        return _Segment(start, data, index)

    def _look(self) -> None:
        try:
            names = [path.name for path in self.directory.iterdir() if "." not in path.name]
        except FileNotFoundError:  # nothing was written yet
            names = []
        self._starts = sorted(int(found, 16) for found in names)

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()
