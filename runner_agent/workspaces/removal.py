"""Remove a directory that an agent could write, without ever touching anything outside it.

First a rename into a directory of the Runner's own, so that whatever the agent put in its place is not followed; then
everything is unlinked by directory descriptors. Subdirectories are moved up before they are emptied: the depth of the
tree does not matter.
"""

import itertools
import os
import secrets
import stat
from pathlib import Path


def remove(path: Path, trash: Path) -> None:
    """What is not there is removed already. OSError if something cannot be removed: it stays in `trash`."""
    trash.mkdir(mode=0o700, parents=True, exist_ok=True)
    grave = f"{path.name}.{secrets.token_hex(4)}"
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    into = os.open(trash, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _take(parent, path.name, into, grave):
            _empty_all(into, grave)
    finally:
        os.close(into)
        os.close(parent)


def _empty_all(trash: int, first: str) -> None:
    waiting, numbers = [first], itertools.count()
    while waiting:
        name = waiting.pop()
        directory = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=trash)
        try:
            for entry in os.listdir(directory):  # noqa: PTH208 - by descriptor
                moved = f"{first}.{next(numbers)}"
                if _take(directory, entry, trash, moved):
                    waiting.append(moved)
        finally:
            os.close(directory)
        os.rmdir(name, dir_fd=trash)


def _take(parent: int, name: str, trash: int, grave: str) -> bool:
    """Move a directory into the trash, ready to be emptied; anything else is gone at once, and False."""
    try:
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        return False
    try:
        if not stat.S_ISDIR(os.fstat(held).st_mode):
            os.unlink(name, dir_fd=parent)
            return False
        os.chmod(f"/proc/self/fd/{held}", 0o700)  # noqa: PTH101 - of this directory, not of a name
    finally:
        os.close(held)
    os.rename(name, grave, src_dir_fd=parent, dst_dir_fd=trash)
    return True
