"""The Runner's own durable list of Commands and their results, in SQLite.

A Command is written here before it is acted on: one that comes twice is answered, not done twice, and after a crash it
is known what was begun. `synchronous=FULL` costs 0.7 ms a commit (6 ms p99); Commands that come together share one.
"""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from runner_agent.messages import Command, CommandResult

KEPT_S = 30 * 86_400  # settled Commands stay this long
ROOM = 1 << 20  # bytes
AGAIN_S = 1.0
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_TAKEN = "taken"
_NOT_KEPT = frozenset({"env"})  # may hold secrets, and answers no question after a crash

_SCHEMA = """
CREATE TABLE IF NOT EXISTS command (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pod TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    taken_at REAL NOT NULL,
    settled_at REAL,
    result TEXT NOT NULL DEFAULT '{}',
    error_code TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    confirmed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS unconfirmed ON command (seq) WHERE NOT confirmed;
"""
_RESULT = "SELECT id, state, result, error_code, error FROM command"

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Ledger:
    """One connection on one thread of its own; calls are done in the order they are made.

    A call that is cancelled is done all the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._db: sqlite3.Connection

    async def open(self) -> None:
        """sqlite3.Error if the file cannot be used."""
        await self._on_thread(self._open)

    async def close(self) -> None:
        await self._on_thread(self._db.close)
        self._thread.shutdown()

    async def take(self, commands: Sequence[Command]) -> list[bool]:
        """Write them down in one commit; for each, whether it is new."""
        return await self._write(lambda: self._take(commands))

    async def result_of(self, command_id: str) -> CommandResult | None:
        """None while it is not settled."""
        return await self._on_thread(lambda: self._result_of(command_id))

    async def settle(self, result: CommandResult) -> None:
        await self._write(lambda: self._settle(result))

    async def unfinished(self) -> list[Command]:
        """Taken and not settled, in order."""
        return await self._on_thread(self._unfinished)

    async def unconfirmed(self) -> list[CommandResult]:
        """Settled, and the server has not said that it knows."""
        where = f"{_RESULT} WHERE NOT confirmed AND state <> ? ORDER BY seq"
        rows = await self._on_thread(lambda: self._db.execute(where, (_TAKEN,)).fetchall())
        return [_result(row) for row in rows]

    async def unconfirmed_ids(self) -> list[str]:
        """Of all Commands whose result the server does not know: settled or not."""
        where = "SELECT id FROM command WHERE NOT confirmed ORDER BY seq"
        rows = await self._on_thread(lambda: self._db.execute(where).fetchall())
        return [row[0] for row in rows]

    async def confirm(self, ids: Sequence[str]) -> None:
        await self._write(lambda: self._confirm(ids))

    async def prune(self) -> None:
        await self._write(self._prune)

    # ---- on the thread

    async def _on_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    async def _write(self, job: Callable[[], T]) -> T:
        """On a disk so full that even the room set aside is used up, what is to be written waits."""
        while True:
            try:
                return await self._on_thread(job)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _NO_ROOM:
                    raise
                logger.warning("the ledger cannot be written: %s", error)
                await asyncio.sleep(AGAIN_S)

    def _open(self) -> None:
        self._path.touch(mode=0o600)
        self._db = sqlite3.connect(self._path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(f"PRAGMA wal_autocheckpoint={ROOM // 2 // 4096}")
        self._db.executescript(_SCHEMA)
        self._prune()
        self._set_room_aside()

    def _set_room_aside(self) -> None:
        """Pages in both files that later writes use again: a Pod can still be ended when the disk is full."""
        try:
            with self._db:
                self._db.execute("CREATE TABLE room (filler BLOB)")
                self._db.execute("INSERT INTO room VALUES (zeroblob(?))", (ROOM,))
            with self._db:
                self._db.execute("DROP TABLE room")
            self._db.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.OperationalError as error:
            logger.warning("no room can be set aside for the ledger: %s", error)

    def _take(self, commands: Sequence[Command]) -> list[bool]:
        insert = (
            "INSERT OR IGNORE INTO command (id, seq, kind, pod, payload, state, taken_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        with self._db:
            return [
                self._db.execute(
                    insert, (c.id, c.seq, c.kind, c.pod, _kept(c.payload), _TAKEN, time.time())
                ).rowcount
                == 1
                for c in commands
            ]

    def _result_of(self, command_id: str) -> CommandResult | None:
        found = self._db.execute(
            f"{_RESULT} WHERE id = ? AND state <> ?", (command_id, _TAKEN)
        ).fetchone()
        return _result(found) if found else None

    def _settle(self, result: CommandResult) -> None:
        update = (
            "UPDATE command SET state = ?, result = ?, error_code = ?, error = ?, settled_at = ?"
            " WHERE id = ? AND state = ?"
        )
        with self._db:
            self._db.execute(
                update,
                (
                    result.state,
                    json.dumps(result.result),
                    result.error_code,
                    result.error,
                    time.time(),
                    result.id,
                    _TAKEN,
                ),
            )

    def _unfinished(self) -> list[Command]:
        rows = self._db.execute(
            "SELECT id, seq, kind, pod, payload FROM command WHERE state = ? ORDER BY seq",
            (_TAKEN,),
        )
        return [
            Command(id=id_, seq=seq, kind=kind, pod=pod, payload=json.loads(payload))
            for id_, seq, kind, pod, payload in rows
        ]

    def _confirm(self, ids: Sequence[str]) -> None:
        with self._db:
            self._db.executemany(
                "UPDATE command SET confirmed = 1 WHERE id = ?", [(one,) for one in ids]
            )

    def _prune(self) -> None:
        with self._db:
            self._db.execute("DELETE FROM command WHERE settled_at < ?", (time.time() - KEPT_S,))


def _kept(payload: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in payload.items() if name not in _NOT_KEPT})


def _result(row: tuple[str, str, str, str, str]) -> CommandResult:
    id_, state, result, error_code, error = row
    return CommandResult(id_, state, json.loads(result), error_code, error)
