"""The database's tables, the certificate authority and the static files: made or brought up to date."""

import hashlib
import shutil
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from mesh.up.steps import say, step
from mesh.up.trouble import TroubleError
from pods.services.authority import authority
from pods.services.built_in import load_built_in


def prepare() -> None:
    _migrate()
    for problem in load_built_in():
        say(f"  An agent type was not loaded. {problem}")
    authority().ensure()
    _collect_static_files()


def _migrate() -> None:
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise TroubleError(
            f"The database cannot be reached: check DATABASE_URL, or unset it to use SQLite. ({error})"
        ) from error
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with step("database"):
            call_command("migrate", interactive=False, verbosity=0)


def _collect_static_files() -> None:
    stamp = settings.STATIC_ROOT / ".sources"
    sources = _sources()
    if stamp.exists() and stamp.read_text() == sources:
        return
    with step("static files"):
        draft = settings.STATIC_ROOT
        shutil.rmtree(draft, ignore_errors=True)
        call_command(
            "collectstatic",
            interactive=False,
            verbosity=0,
            ignore_patterns=["*.ts", "src"],
        )
        stamp.write_text(sources)


def _sources() -> str:
    """Changes with any file's name, size or time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
