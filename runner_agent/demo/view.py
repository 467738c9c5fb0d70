"""The screen: a transcript that scrolls away, and a block at the bottom that is drawn anew."""

import fcntl
import os
import struct
import termios

from runner_agent.demo.text import cells

_BEGIN, _FINISH = "\x1b[?2026h", "\x1b[?2026l"  # one picture: no flicker where that is known
_SMALLEST = 16  # columns


class View:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._block: list[str] = []
        self._cursor_row = 0
        self.width, self.height = 80, 24
        self.measure()

    def measure(self) -> None:
        packed = fcntl.ioctl(self._fd, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns = struct.unpack("HHHH", packed)[:2]
        self.width, self.height = max(columns or 80, _SMALLEST), rows or 24

    def start(self) -> None:
        self._write("\x1b[?2004h")

    def stop(self) -> None:
        self._write(self._erase() + "\x1b[?2004l\x1b]0;\x07")
        self._block = []

    def title(self, text: str) -> None:
        self._write(f"\x1b]0;{text}\x07")

    def bell(self) -> None:
        self._write("\x07")

    def wipe(self) -> None:
        self._block, self._cursor_row = [], 0
        self._write("\x1b[H\x1b[2J\x1b[3J")

    def show(self, transcript: list[str], block: list[str], cursor: tuple[int, int]) -> None:
        """Add to the transcript, then draw the block below it, with the cursor at its row and column."""
        block = block[-(self.height - 1) :]
        row, column = min(cursor[0], len(block) - 1), cursor[1]
        text = self._erase() + "".join(f"{line}\r\n" for line in transcript)
        text += "\r\n".join(block)
        text += f"\x1b[{len(block) - 1 - row}A" if row < len(block) - 1 else ""
        self._write(f"{_BEGIN}{text}\r" + (f"\x1b[{column}C" if column else "") + _FINISH)
        self._block, self._cursor_row = block, row

    def _erase(self) -> str:
        """Back to the first row of the block; a narrower terminal has folded its lines."""
        above = self._block[: self._cursor_row]
        rows = sum(max(1, -(-cells(line) // self.width)) for line in above)
        return (f"\x1b[{rows}A" if rows else "") + "\r\x1b[J"

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._fd, data) :]
