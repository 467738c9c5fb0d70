"""A Pod's output on disk: segments named by the offset of their first byte, each with an index beside it."""

import os
import struct
import time

SEGMENT = 4 << 20  # bytes
INDEX_MAX = (
    1 << 20
)  # bytes of index; a chatty program that says little starts a new segment earlier
MARK_MS = 250  # output is dated at least this often
MARK = struct.Struct("<QQHH")  # offset, wall clock in ms, cols, rows; cols 0: only the time
SUFFIXES = ("", ".index", ".screen")


def name(start: int) -> str:
    return f"{start:016x}"


class LogWriter:
    """Writes everything or keeps what a full disk refused in `held`, for `retry()`; never drops new output."""

    def __init__(self, directory: str, log_max: int, cols: int, rows: int) -> None:
        self.end = 0
        self.held: bytes | memoryview = b""
        self._directory, self._log_max = directory, log_max
        self._segment = min(SEGMENT, max(1 << 16, log_max // 4))
        self._cols, self._rows = cols, rows
        self._kept: list[tuple[int, int]] = []  # start and bytes on disk of each finished segment
        self._start, self._index_size = 0, INDEX_MAX  # so that the first byte opens a segment
        self._data = self._index = -1
        self._marks = bytearray()  # not yet in the index
        self._marked_ms = 0

    def append(self, data: memoryview) -> bool:
        """Whether all of it is on disk."""
        now = time.time_ns() // 1_000_000
        if not 0 <= now - self._marked_ms < MARK_MS:
            self._marked_ms = now
            self._marks += MARK.pack(self.end, now, 0, 0)
        self.held = data
        return self.retry()

    def retry(self) -> bool:
        try:
            self._write_held()
        except OSError:  # no room, or a directory that is gone: the agent waits, nothing is lost
            self.held = bytes(self.held)
            return False
        return True

    def _write_held(self) -> None:
        while self.held:
            room = self._start + self._segment - self.end
            if room <= 0 or self._index_size >= INDEX_MAX:
                self._next_segment()
                room = self._segment
            self._write_marks()
            count = os.write(self._data, self.held[:room])
            self.end += count
            self.held = self.held[count:]

    def resized(self, cols: int, rows: int) -> None:
        """From the current end on, the Terminal has this size."""
        self._cols, self._rows = cols, rows
        self._marks += MARK.pack(self.end, time.time_ns() // 1_000_000, cols, rows)
        try:
            if self._data < 0:
                self._next_segment()
            self._write_marks()
        except OSError:
            return  # kept in _marks; goes with the next output

    def _write_marks(self) -> None:
        if not self._marks:
            return
        if os.write(self._index, self._marks) < len(self._marks):
            os.ftruncate(self._index, self._index_size)
            raise OSError("no room for the index")
        self._index_size += len(self._marks)
        self._marks.clear()

    def _next_segment(self) -> None:
        os.makedirs(self._directory, 0o700, exist_ok=True)
        path = f"{self._directory}/{name(self.end)}"
        first = MARK.pack(self.end, time.time_ns() // 1_000_000, self._cols, self._rows)
        index = _create(path + ".index", first)
        try:
            data = _create(path)
        except OSError:
            os.close(index)
            raise
        if self._data >= 0:
            os.close(self._data)
            os.close(self._index)
            self._kept.append((self._start, self.end - self._start + self._index_size))
        self._data, self._index = data, index
        self._start, self._index_size = self.end, len(first)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        room = self._log_max - self._segment
        while self._kept and sum(size for _, size in self._kept) > room:
            start, _ = self._kept.pop(0)
            for suffix in SUFFIXES:
                try:
                    os.unlink(f"{self._directory}/{name(start)}{suffix}")
                except FileNotFoundError:
                    continue


def _create(path: str, content: bytes = b"") -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    if os.write(fd, content) < len(content):
        os.close(fd)
        raise OSError("no room for the index")
    return fd
