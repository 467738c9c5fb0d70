"""What every new home begins with, made once and copied: tables, keys, the first owner and static files."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_INHERITED = (
    *("MESH_", "DATABASE_URL", "REDIS_URL"),
    *("PYTHONDONTWRITEBYTECODE", "DJANGO_SETTINGS_MODULE"),
)


def inherited() -> dict[str, str]:
    """This process's environment without what would change a system."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}


def prepare(home: Path, environment: Mapping[str, str]) -> None:
    """A home that `up` takes as one that was prepared before. On another database than the home's own, `up` still
    makes tables and keys: they belong together."""
    if "DATABASE_URL" in environment:
        shutil.copytree(_prepared() / "static", home / "static")
    else:
        shutil.copytree(_prepared(), home, dirs_exist_ok=True)


@functools.cache
def _prepared() -> Path:
    home = Path(tempfile.mkdtemp(prefix="mesh-prepared-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=ROOT,
        env={**inherited(), "MESH_HOME": str(home)},
        check=True,
        capture_output=True,
    )
    return home
