"""The project's own files, as git knows them, new ones too."""

import ast
import gc
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("accounts", "bench", "channels_app", "mesh", "pods", "runner_agent")


@cache
def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def modules(*roots: str) -> list[Path]:
    """Python modules below these folders, without what is generated."""
    wanted = roots or PROGRAMS
    return [
        path
        for path in files()
        if path.suffix == ".py"
        and path.relative_to(ROOT).parts[0] in wanted
        and "migrations" not in path.parts
    ]


@cache
def parsed(path: Path) -> ast.Module:
    gc.disable()  # Python 3.11 fails to parse when a finalizer runs meanwhile
    try:
        return ast.parse(path.read_text(), filename=str(path))
    finally:
        gc.enable()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))
