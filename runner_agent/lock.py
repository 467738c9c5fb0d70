"""One daemon a home: a lock that ends with the process that holds it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from runner_agent.config import Config
from runner_agent.errors import ToldError


class AlreadyRunningError(ToldError):
    """Another daemon holds this home."""


@contextlib.contextmanager
def alone(config: Config) -> Iterator[None]:
    """Hold this home's lock. Raises AlreadyRunningError."""
    with config.lock_file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(
                f"A Runner daemon already runs in {config.home} (process {_read(config)})."
                " Stop it first, or choose another --home."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(config: Config) -> int | None:
    """The process id of the daemon that runs in this home."""
    if not config.lock_file.exists():
        return None
    with config.lock_file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(_read(config) or 0)
    return None


def _read(config: Config) -> str:
    return config.lock_file.read_text().strip()
