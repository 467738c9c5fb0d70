"""Hooks fired while no daemon listened: `mesh hook` leaves each as a file in the Pod's HOME."""

import json
import os
from pathlib import Path
from typing import Any

from runner_agent.agents import hostile

PLACE = (".mesh", "hooks")
FILES_MAX = 200
SIZE_MAX = 256 * 1024  # bytes of one


def take_spooled(home: Path) -> list[tuple[str, dict[str, Any], int]]:
    """In the order they were fired, and gone after this. The agent may have written anything there."""
    try:
        with hostile.directory(home, *PLACE) as folder:
            names = sorted(each.name for each in os.scandir(folder) if each.name.endswith(".json"))
            return [hook for name in names[:FILES_MAX] if (hook := _take(name, folder))]
    except OSError:  # none were left
        return []


def _take(name: str, folder: int) -> tuple[str, dict[str, Any], int] | None:
    try:
        held = json.loads(hostile.read_file(name, folder, SIZE_MAX))
        os.unlink(name, dir_fd=folder)
        data = held["data"]
        return str(held["event"])[:80], data if isinstance(data, dict) else {}, int(held["at_ms"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
