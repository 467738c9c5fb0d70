"""Reading files that belong to an agent: never through a symbolic link, never anything but a regular file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for


@contextmanager
def directory(root: Path, *below: str) -> Iterator[int]:
    """A descriptor of `root`/`below`…; OSError if one of those below is a link or is not there."""
    held = os.open(root, _DIRECTORY)
    try:
        for name in below:
            following = os.open(name, _DIRECTORY, dir_fd=held)
            os.close(held)
            held = following
        yield held
    finally:
        os.close(held)


def open_file(name: str, parent: int) -> int:
    """OSError, too, for what is no regular file."""
    descriptor = os.open(name, _FILE, dir_fd=parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{name} is not a regular file")
    return descriptor


def read_file(name: str, parent: int, most: int) -> bytes:
    """At most so many bytes from its beginning."""
    descriptor = open_file(name, parent)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)
