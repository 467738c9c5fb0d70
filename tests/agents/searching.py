"""Where on this machine a secret can be found: files, command lines, environments."""

import os
from collections.abc import Iterator
from pathlib import Path

_PIECE = 1 << 20


def files_with(secret: str, root: Path, *, without: tuple[Path, ...] = ()) -> list[str]:
    """Below `root`, relative to it. Files that end meanwhile are not there."""
    found: list[Path] = []
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = [
            name for name in subdirectories if Path(directory, name) not in without
        ]
        paths = [Path(directory, name) for name in names]
        regular = [path for path in paths if path.is_file() and not path.is_symlink()]
        found += [path for path in regular if _holds(path, secret.encode())]
    return sorted(str(path.relative_to(root)) for path in found)


def command_lines_with(secret: str) -> list[str]:
    return [name for name, data in _of_processes("cmdline") if secret.encode() in data]


def environments_with(secret: str) -> list[bytes]:
    """Of processes that run, whole; this process and its children are not asked."""
    return [data for _, data in _of_processes("environ") if secret.encode() in data]


def _of_processes(what: str) -> Iterator[tuple[str, bytes]]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield process.name, (process / what).read_bytes()
            except OSError:  # it has ended
                continue


def _holds(path: Path, secret: bytes) -> bool:
    kept = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                if secret in kept + piece:
                    return True
                kept = piece[-len(secret) :]
    except OSError:
        return False
    return False
