"""Progress with the time it came at on stderr; the summary on stdout."""

import sys
import time
from typing import TextIO

_WIDTH = 44


class Teller:
    def __init__(self, progress: TextIO = sys.stderr, summary: TextIO = sys.stdout) -> None:
        self._progress, self._summary = progress, summary
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        self._write(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def said(self, who: str, text: str) -> None:
        self.step(f"  {who}: {text}")

    def note(self, text: str) -> None:
        self._write(f"          {text}")

    def line(self, text: str) -> None:
        self._summary.write(f"{text}\n")

    def row(self, name: str, text: str) -> None:
        self.line(f"  {name:<{_WIDTH}} {text}" if len(name) > 10 else f"  {name}  {text}")  # noqa: PLR2004

    def _write(self, text: str) -> None:
        self._progress.write(f"{text}\n")
        self._progress.flush()
