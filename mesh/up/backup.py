"""What must not be lost, copied to one directory and put back from it. Redis holds nothing of the kind."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from mesh.readiness import GATEWAY_SILENT_AFTER
from mesh.up.steps import step
from mesh.up.trouble import TroubleError
from pods.services import gateways
from pods.services.sessions import begin_anew

SQLITE, POSTGRES = "database.sqlite3", "database.dump"


def back_up(to: Path) -> None:
    """While the services run: the copy is of one moment. TroubleError."""
    if to.exists() and any(to.iterdir()):
        raise TroubleError(f"{to} is not empty: name a directory that is, or is not there yet.")
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    to.chmod(0o700)
    if connection.vendor == "sqlite":
        _copy_sqlite(Path(connection.settings_dict["NAME"]), to / SQLITE)
    else:
        _postgres("pg_dump", "--format=custom", "--no-owner", "--file", str(to / POSTGRES))
    for name, path in _kept().items():
        _copy(path, to / name)


def restore(source: Path) -> int:
    """With the services stopped: all of it, brought up to this version. The number of Runners; TroubleError."""
    if _is_in_use():
        raise TroubleError("A gateway is at work: stop all services, on every machine.")
    if connection.vendor == "sqlite":
        _check(source / SQLITE)
        _copy_sqlite(source / SQLITE, Path(connection.settings_dict["NAME"]))
    else:
        _check(source / POSTGRES)
        _drop_tables()
        _postgres(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error",
            "--single-transaction", str(source / POSTGRES),
        )  # fmt: skip
    for name, path in _kept().items():
        if (source / name).exists():
            _copy(source / name, path)
    call_command("migrate", interactive=False, verbosity=0)
    return begin_anew()


def _is_in_use() -> bool:
    try:
        with step("gateways at work"):
            return gateways.one_lives(GATEWAY_SILENT_AFTER.total_seconds())
    except DatabaseError:  # nothing is there yet
        return False


def _kept() -> dict[str, Path]:
    """Name in the backup and place: without these the database is of little use."""
    return {
        "ca": settings.CA_DIR,
        "secrets.key": settings.SECRETS_KEY_FILE,
        "secret_key": settings.HOME.root / "secret_key",
        "releases": settings.RELEASES_DIR,
        "agent-types": settings.AGENT_TYPES_DIR,
    }


def _check(path: Path) -> None:
    if not path.exists():
        raise TroubleError(f"{path} is not there: is this a backup, and of this kind of database?")


def _copy_sqlite(source: Path, to: Path) -> None:
    """Page by page, through SQLite: a file that is written to must not be copied otherwise."""
    connection.close()
    old, new = sqlite3.connect(source), sqlite3.connect(to)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()
    to.chmod(0o600)


def _drop_tables() -> None:
    """Also those of a newer version, which the backup does not know."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)} CASCADE")


def _postgres(program: str, *arguments: str) -> None:
    given = connection.get_connection_params()
    connection.close()
    found = shutil.which(program)
    if not found:
        raise TroubleError(f"{program} is missing: install the client programs of PostgreSQL.")
    done = subprocess.run(  # noqa: S603 - our own command line
        [found, "--dbname", str(given["dbname"]), *arguments],
        env=os.environ | _libpq(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise TroubleError(f"{program} failed: {said[-1]}")


def _libpq(given: dict[str, Any]) -> dict[str, str]:
    """Not as arguments, which every user of the machine can see."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    return {variable: str(given[key]) for key, variable in names.items() if given.get(key)}


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, dirs_exist_ok=True)
    elif source.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, to)
