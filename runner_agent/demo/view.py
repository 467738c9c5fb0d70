"""The screen: a transcript that scrolls away, and a block at the bottom that is drawn anew."""

import fcntl
import os
import struct
import termios
from collections import deque

from runner_agent.demo.text import cells

_BEGIN, _FINISH = "\x1b[?2026h", "\x1b[?2026l"  # one picture: no flicker where that is known
_SMALLEST = 16  # columns
_KEPT = 200  # lines of the transcript, to draw it anew


class View:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._said: deque[str] = deque(maxlen=_KEPT)
        self._cursor_row = 0
        self.width, self.height = self._size()
        self._is_folded = False  # the terminal has another width since all was drawn

    def measure(self) -> None:
        before = self.width
        self.width, self.height = self._size()
        self._is_folded = self._is_folded or self.width != before

    def _size(self) -> tuple[int, int]:
        packed = fcntl.ioctl(self._fd, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns = struct.unpack("HHHH", packed)[:2]
        return max(columns or 80, _SMALLEST), rows or 24

    def start(self) -> None:
        self._write("\x1b[?2004h")

    def stop(self) -> None:
        self._write(self._erase() + "\x1b[?2004l\x1b]0;\x07")

    def title(self, text: str) -> None:
        self._write(f"\x1b]0;{text}\x07")

    def bell(self) -> None:
        self._write("\x07")

    def wipe(self) -> None:
        self._said.clear()
        self._cursor_row = 0
        self._write("\x1b[H\x1b[2J\x1b[3J")

    def show(self, transcript: list[str], block: list[str], cursor: tuple[int, int]) -> None:
        """Add to the transcript, then draw the block below it, with the cursor at its row and column."""
        block = block[-(self.height - 1) :]
        row, column = min(cursor[0], len(block) - 1), cursor[1]
        self._said += transcript
        if self._is_folded:
            text, transcript = "\x1b[H\x1b[2J", self._end_of_it(self.height - len(block))
        else:
            text = self._erase()
        text += "".join(f"{line}\r\n" for line in transcript)
        text += "\r\n".join(block)
        text += f"\x1b[{len(block) - 1 - row}A" if row < len(block) - 1 else ""
        self._write(f"{_BEGIN}{text}\r" + (f"\x1b[{column}C" if column else "") + _FINISH)
        self._cursor_row, self._is_folded = row, False

    def _erase(self) -> str:
        """Back to the first row of the block."""
        return (f"\x1b[{self._cursor_row}A" if self._cursor_row else "") + "\r\x1b[J"

    def _end_of_it(self, rows: int) -> list[str]:
        """The last lines of the transcript that fit. Terminals differ in where folding leaves the cursor, so that what
        stands there cannot be kept."""
        fit: list[str] = []
        for line in reversed(self._said):
            rows -= max(1, -(-cells(line) // self.width))
            if rows < 0:
                break
            fit.append(line)
        return fit[::-1]

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._fd, data) :]
