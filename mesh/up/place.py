"""MESH_HOME and the directory of sockets: made, checked, and held by one `up` at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.home import Home
from mesh.up.trouble import TroubleError

NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}


def prepare(home: Home) -> None:
    """Make the directories, all for this user alone."""
    for directory in (home.root, home.logs, home.root / "redis", home.sockets):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check(directory)
        except OSError as error:
            raise TroubleError(_cannot_use(directory, error)) from error
    home.sockets.chmod(0o700)


def _check(directory: Path) -> None:
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(directory))
    if directory.stat().st_uid != os.getuid():
        raise TroubleError(
            f"{directory} belongs to another user: remove it, or set MESH_HOME to a directory of yours."
        )


def _cannot_use(directory: Path, error: OSError) -> str:
    if error.errno in NOT_WRITABLE:
        return f"No permission to write {directory}: make it yours (chown), or set MESH_HOME to another directory."
    return f"{directory} cannot be used ({error.strerror}): set MESH_HOME to another directory."


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the home against a second `up`. The lock goes with the process, however it ends."""
    with _lock_file(home).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TroubleError(
                f"Mesh already runs with {home.root} (process {holder(home)}): use it, or end it with `make stop`."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(home: Home) -> int | None:
    """The process that holds the home now."""
    path = _lock_file(home)
    if not path.exists():
        return None
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None


def _lock_file(home: Home) -> Path:
    return home.root / "up.lock"
