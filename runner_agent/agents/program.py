"""Where an agent's program was found or installed."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """`prefix` is what the Runner installed, with the program in its `bin`; None: it is on the PATH as it is."""

    version: str = ""
    prefix: Path | None = None
    shown: tuple[Path, ...] = ()  # what else the jail must show for it to run

    def path(self, rest: str) -> str:
        """The PATH on which this program comes first."""
        return f"{self.prefix / 'bin'}{os.pathsep}{rest}" if self.prefix else rest

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(str(path) for path in (self.prefix, *self.shown) if path)
