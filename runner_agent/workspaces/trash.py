"""Removed Workspaces, each kept for a while as it was, so that a removal can be undone."""

import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner_agent.messages import CommandError
from runner_agent.settings import replace_file
from runner_agent.workspaces import removal

KEPT_FOR_S = 14 * 86_400.0
_ABOUT = "about.json"


@dataclass(frozen=True, slots=True)
class Trash:
    """`place`: the Runner's own; `graves`: where what goes for good is emptied."""

    place: Path
    graves: Path

    def holds(self, root: str) -> bool:
        return (self.place / root / _ABOUT).exists()

    def bury(self, root: str, paths: Mapping[str, Path], why: str) -> float:
        """Move these directories here, each under its name; until when they are kept. What is no directory goes at once."""
        grave = self.place / root
        if grave.exists():  # of one that was restored, in part, by hand
            grave.rename(self.place / f"{root}.{secrets.token_hex(4)}")
        grave.mkdir(mode=0o700, parents=True)
        now = time.time()
        about = {"at": now, "why": why, "paths": {name: str(path) for name, path in paths.items()}}
        replace_file(grave / _ABOUT, json.dumps(about).encode())
        for name, path in paths.items():
            if _is_directory(path):
                path.rename(grave / name)
            else:
                removal.remove(path, self.graves)
        return now + KEPT_FOR_S

    def restore(self, root: str) -> None:
        """Back to where they were. CommandError not_in_trash, in_the_way."""
        about = self._about(root)
        grave = self.place / root
        back = {grave / name: Path(path) for name, path in about["paths"].items()}
        for path in back.values():
            if os.path.lexists(path):
                raise CommandError("in_the_way", f"{path} is there again: nothing was restored.")
        for held, path in back.items():
            if held.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                held.rename(path)
        shutil.rmtree(grave)

    def prune(self, now: float | None = None) -> list[str]:
        """Let go for good of what was kept long enough; its roots."""
        now = time.time() if now is None else now
        gone = []
        for about in self.place.glob(f"*/{_ABOUT}"):
            if json.loads(about.read_bytes())["at"] + KEPT_FOR_S <= now:
                gone.append(about.parent.name)
                removal.remove(about.parent, self.graves)
        return gone

    def _about(self, root: str) -> dict[str, Any]:
        try:
            held: dict[str, Any] = json.loads((self.place / root / _ABOUT).read_bytes())
        except FileNotFoundError as error:
            raise CommandError(
                "not_in_trash",
                "It is not in this Runner's trash: what was removed is kept there for 14 days.",
            ) from error
        return held


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False
