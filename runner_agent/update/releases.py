"""Where releases lie, which one runs, and which one is on trial. Standard library only: the launcher uses it.

releases/0.2.0/{release.json, run.py, lib/}    releases/current → 0.2.0    releases/trial.json
"""

import contextlib
import json
import os
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from runner_agent import __version__

TRYING, HEALTHY, TAKEN_BACK = "trying", "healthy", "taken back"
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){1,3}\Z")


def order(version: str) -> tuple[int, ...]:
    """To compare versions by. ValueError for what is no version: numbers with points, such as 1.4.2."""
    if not _VERSION.match(version):
        raise ValueError(f"{version!r} is no version: it is numbers with points, such as 1.4.2")
    return tuple(int(number) for number in version.split("."))


@dataclass(frozen=True, slots=True)
class Trial:
    """The newest switch. `previous` empty: what the launcher itself belongs to. `starts`: how often it was begun."""

    attempt: str
    version: str
    previous: str
    state: str = TRYING
    starts: int = 1
    reason: str = ""


class Releases:
    def __init__(self, home: Path) -> None:
        self.home, self.directory = home, home / "releases"
        self._link, self._trial = self.directory / "current", self.directory / "trial.json"

    def place(self, version: str) -> Path:
        return self.directory / version

    @property
    def current(self) -> str:
        """The version that the link names, if it is there and newer than this very code; else empty."""
        try:
            version = self._link.readlink().name
            newer = order(version) > order(__version__)
        except (OSError, ValueError):
            return ""
        return version if newer and (self.place(version) / "run.py").exists() else ""

    def point(self, version: str) -> None:
        """Make it current; empty: the launcher's own."""
        if not version:
            self._link.unlink(missing_ok=True)
            return
        draft = self.directory / ".current"
        draft.unlink(missing_ok=True)
        draft.symlink_to(version)
        draft.replace(self._link)

    def trial(self) -> Trial | None:
        """None if there was none, or its file cannot be read: then the link alone counts."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Trial(**json.loads(self._trial.read_text()))
        return None

    def note(self, trial: Trial) -> None:
        """On the disk before anything follows from it."""
        self.directory.mkdir(mode=0o700, exist_ok=True)
        draft = self._trial.with_suffix(".new")
        with draft.open("w") as file:
            json.dump(asdict(trial), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._trial)

    def command(self, version: str, *words: str) -> list[str]:
        """How this release's program is started; empty: the launcher's own."""
        if version:
            return [sys.executable, "-I", "-S", str(self.place(version) / "run.py"), *words]
        return [sys.executable, "-m", "runner_agent", *words]
