"""Run in the jail of a fork, `python whole_databases.py THEIRS OURS`: a HOME was copied file by file while its agent may
have written. Its databases of SQLite are copied once more, each as it stood at one moment.

Only the standard library: nothing of the Runner is loaded. What SQLite cannot read stays as it was copied.
"""

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_PAGE = 512  # bytes; each page of a database is a multiple
_BESIDE = ("-wal", "-shm", "-journal")  # not those of a copy of one moment


def copy_again(theirs: Path, ours: Path) -> None:
    for copy in list(_databases(ours)):
        with suppress(sqlite3.Error, OSError):
            _copy(theirs / copy.relative_to(ours), copy)


def _databases(root: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            with suppress(OSError):
                if _is_database(path):
                    yield path


def _is_database(path: Path) -> bool:
    held = path.lstat()
    if not stat.S_ISREG(held.st_mode) or held.st_size < _PAGE or held.st_size % _PAGE:
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _copy(original: Path, copy: Path) -> None:
    draft = copy.with_name(f"{copy.name}.whole")
    try:
        source = sqlite3.connect(f"{original.as_uri()}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(draft)) as target:
            source.backup(target)
        draft.chmod(stat.S_IMODE(copy.stat().st_mode))
        draft.replace(copy)
        for ending in _BESIDE:
            copy.with_name(copy.name + ending).unlink(missing_ok=True)
    finally:
        for ending in ("", *_BESIDE):
            draft.with_name(draft.name + ending).unlink(missing_ok=True)


if __name__ == "__main__":
    copy_again(*map(Path, sys.argv[1:]))
