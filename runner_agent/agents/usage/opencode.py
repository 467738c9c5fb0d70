"""OpenCode keeps its sessions in SQLite. A copy is read: the file is the agent's, and so may be what is in it."""

import json
import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from runner_agent.agents import hostile
from runner_agent.agents.usage.totals import Totals

COPY_MAX = 128 << 20  # bytes of the database and of its log
STEPS_MAX = 20_000  # of a thousand instructions each; a query of ours needs a few
_SUMS = {
    "input": ("tokens_input", "tokens_cache_read", "tokens_cache_write"),
    "output": ("tokens_output", "tokens_reasoning"),
    "cached": ("tokens_cache_read",),
}


class OpenCode:
    def __init__(self, root: Path, pattern: str) -> None:
        self._root, self._parts = root, tuple(part for part in pattern.split("/") if part)
        self._last = Totals()
        self._seen: tuple[tuple[int, int], ...] = ()

    def read(self) -> Totals:
        """As before while the file cannot be read, for example because it is being written."""
        with tempfile.TemporaryDirectory(prefix="mesh-usage-") as place:
            try:
                if self._copy(Path(place)):
                    self._last = _totals(Path(place) / "db")
            except (OSError, sqlite3.Error, ValueError):
                pass
        return self._last

    def _copy(self, place: Path) -> bool:
        """False: nothing has changed, or it is too large."""
        name = self._parts[-1]
        with hostile.directory(self._root, *self._parts[:-1]) as folder:
            held = {"db": hostile.open_file(name, folder)}
            try:
                with suppress(FileNotFoundError):  # all of it is in the database
                    held["db-wal"] = hostile.open_file(f"{name}-wal", folder)
                return self._copied(held, place)
            finally:
                for descriptor in held.values():
                    os.close(descriptor)

    def _copied(self, held: dict[str, int], place: Path) -> bool:
        stats = [os.fstat(descriptor) for descriptor in held.values()]
        seen = tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)
        if seen == self._seen or sum(size for size, _ in seen) > COPY_MAX:
            return False
        for copy, descriptor in held.items():
            with (place / copy).open("wb") as file:
                file.write(os.pread(descriptor, COPY_MAX, 0))
        self._seen = seen
        return True


def _totals(path: Path) -> Totals:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA trusted_schema = 0")
        steps = iter(range(STEPS_MAX))
        db.set_progress_handler(lambda: next(steps, None) is None, 1000)
        columns = {row[1] for row in db.execute("PRAGMA table_info(session)")}
        sums = [_sum(names, columns) for names in _SUMS.values()]
        cost = "total(cost)" if "cost" in columns else "0"
        row = db.execute(f"SELECT {', '.join(sums)}, {cost} FROM session").fetchone()  # noqa: S608 - our names
        return Totals(
            input=int(row[0]),
            output=int(row[1]),
            cached=int(row[2]),
            cost_usd=float(row[3]) or None,  # it writes 0 for a model whose price it does not know
            model=_model(db, columns),
        )


def _sum(names: tuple[str, ...], columns: set[str]) -> str:
    return " + ".join([f"total({name})" for name in names if name in columns] or ["0"])


def _model(db: sqlite3.Connection, columns: set[str]) -> str:
    if "model" not in columns:
        return ""
    found = db.execute(
        "SELECT model FROM session WHERE model IS NOT NULL ORDER BY rowid DESC LIMIT 1"
    )
    row = found.fetchone()
    try:
        held = json.loads(row[0]) if row else {}
        return str(held.get("id") or "") if isinstance(held, dict) else ""
    except (ValueError, TypeError, RecursionError):
        return ""
