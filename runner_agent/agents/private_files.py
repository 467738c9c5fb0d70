"""Write and remove files below a directory that an agent can write, without following what it put there."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def write(root: Path, relative: PurePath, data: bytes, mode: int) -> None:
    """Whole or not at all; directories are made as needed, for this user alone.

    A link on the way is OSError: it is followed nowhere, not even within `root`.
    """
    with _parent(root, relative, make=True) as parent:
        draft = f".{relative.name[:100]}.{secrets.token_hex(4)}"
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=parent)
        try:
            with open(fd, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(data)
                os.fchmod(fd, mode)
            os.rename(draft, relative.name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=parent)
            raise


def remove(root: Path, relative: PurePath) -> None:
    """What is not there is removed already, also when a link stands in its way."""
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        try:
            with _parent(root, relative, make=False) as parent:
                os.unlink(relative.name, dir_fd=parent)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise


@contextmanager
def _parent(root: Path, relative: PurePath, *, make: bool) -> Iterator[int]:
    parts = relative.parts
    if relative.is_absolute() or not parts or ".." in parts:
        raise ValueError(f"{relative} is not below a directory")
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=fd)
            deeper = os.open(part, _DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = deeper
        yield fd
    finally:
        os.close(fd)
