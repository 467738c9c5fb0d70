"""What a failure of the database means for who asked: it is away for a while, or its disk is full."""

import errno
import sqlite3
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

RETRY_AFTER_S = 5  # a server that is back answers within this
POSTGRESQL_IS_FULL = "53100"


@dataclass(frozen=True, slots=True)
class Trouble:
    status: int
    code: str
    message: str


AWAY = Trouble(503, "database_away", "The database does not answer. Nothing was done: ask again.")
FULL = Trouble(
    507, "disk_full", "The server's disk is full: nothing can be written. What runs goes on."
)


def trouble_of(error: BaseException | None) -> Trouble | None:
    """None if it is something else."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return FULL
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    cause = error.__cause__
    full = (
        getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(cause, "sqlstate", None) == POSTGRESQL_IS_FULL
    )
    return FULL if full else AWAY
