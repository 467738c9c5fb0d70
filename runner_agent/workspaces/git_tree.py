"""The files of a Workspace as they are now, as a tree of git: what is compared, paged and kept.

A tree does not change while the agent works on, so the pages of one diff belong together. Its objects lie in our own
directory. Nothing of the agent's index is changed, and no program runs: plumbing alone, which looks into no repository
within the tree.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runner_agent.workspaces import removal
from runner_agent.workspaces.git_status import LIMIT, Change, Standing
from runner_agent.workspaces.git_view import LONG, Asked, GitView
from runner_agent.workspaces.git_words import Words

HUGE = 8 << 20  # bytes; a larger file is marked, its content not compared
OBJECTS_MAX = 256 << 20  # bytes of ours for one Pod before they are begun anew
_PUT = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
_WRITE = ("write-tree",)


@dataclass(frozen=True, slots=True)
class Huge:
    """A changed file too large to compare. `blob` names its content by size and time."""

    path: str
    size: int
    blob: str


@dataclass(frozen=True, slots=True)
class WorkTree:
    id: str  # of git's tree; without the huge files' content
    huge: tuple[Huge, ...] = ()


Signature = tuple[object, ...]


def signature(view: GitView, standing: Standing) -> Signature:
    """Equal while nothing that `tree_of` looks at has changed."""
    paths = (view.tree / change.path for change in standing.changes)
    times = tuple(
        (held.st_mtime_ns, held.st_size, held.st_ino) if (held := _lstat(p)) else None
        for p in paths
    )
    mark = view.directory / "index-of"
    return (standing.head, mark.read_bytes() if mark.exists() else b"", *standing.changes, times)


async def tree_of(view: GitView, standing: Standing) -> WorkTree:
    """Of what is not ignored, new files included."""
    return (await tree_and(view, standing))[0]


async def tree_and(view: GitView, standing: Standing, *then: Words) -> tuple[WorkTree, str]:
    """The tree, and what git says when it is asked `then`, with that tree in its index."""
    clean_up(view)
    index = view.copy_of_index("index-of-tree")
    huge, paths = _sorted_out(view.tree, standing.changes)
    commands = [*([_PUT] if paths else ()), _WRITE, *then]
    asked = Asked(index=index, stdin=_listed(paths), limit=LIMIT, timeout_s=LONG)
    said = (await view.git_in_turn(*commands, asked=asked)).text
    tree, _, rest = said.partition("\n")
    return WorkTree(tree, tuple(huge)), rest


async def whole_tree_of(view: GitView, head: str) -> str:
    """The id of the tree of all that is not ignored, however large: every file is read, no flag of the index trusted."""
    index = view.directory / "index-of-whole"
    for left in (index, index.with_name(f"{index.name}.lock")):
        left.unlink(missing_ok=True)
    asked = Asked(index=index, limit=LIMIT, timeout_s=LONG)
    if head:
        await view.git("read-tree", head, asked=asked)
    words = ("ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard")
    listed = (await view.git(*words, asked=asked)).text
    paths = [path for path in listed.split("\0") if path and _is_plain(_lstat(view.tree / path))]
    await put(view, index, sorted(set(paths)))
    return await write_tree(view, index)


async def tree_id(view: GitView, commit: str) -> str:
    return (await view.git("rev-parse", f"{commit}^{{tree}}")).text.strip()


async def put(view: GitView, index: Path, paths: Iterable[str]) -> None:
    """Bring these files into the index as they are; those that are gone go from it."""
    await view.git(*_PUT, asked=Asked(index=index, stdin=_listed(paths), timeout_s=LONG))


async def write_tree(view: GitView, index: Path) -> str:
    return (await view.git(*_WRITE, asked=Asked(index=index, timeout_s=LONG))).text.strip()


def clean_up(view: GitView) -> None:
    """Let go of the objects of earlier looks once they are too many."""
    objects = view.directory / "objects"
    files = objects.glob("??/*") if objects.exists() else ()
    if sum(file.lstat().st_size for file in files) > OBJECTS_MAX:
        removal.remove(objects, view.directory / "old")
        objects.mkdir(mode=0o700)


def _listed(paths: Iterable[str]) -> bytes:
    return "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")


def _sorted_out(tree: Path, changes: Iterable[Change]) -> tuple[list[Huge], list[str]]:
    """The huge files, and the paths to be looked at."""
    huge, paths = [], []
    for change in changes:
        paths += [change.old] if change.old else []
        held = _lstat(tree / change.path)
        if held and stat.S_ISREG(held.st_mode) and held.st_size > HUGE:
            blob = f"{held.st_size:x}-{held.st_mtime_ns:x}"
            huge.append(Huge(change.path, held.st_size, blob))
        elif _is_plain(held):
            paths.append(change.path)
    return huge, paths


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (OSError, ValueError):
        return None


def _is_plain(held: os.stat_result | None) -> bool:
    """What git keeps: a file, a link, or that it is gone. A directory here is another repository's."""
    return held is None or stat.S_ISREG(held.st_mode) or stat.S_ISLNK(held.st_mode)
