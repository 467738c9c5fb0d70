"""What lies between two trees: the files with their counts, and their patches page by page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from runner_agent.workspaces.git_status import Standing
from runner_agent.workspaces.git_tree import Huge, WorkTree, tree_and
from runner_agent.workspaces.git_view import Asked, GitView, plain

PAGE_FILES = 100
PAGE_LINES = 4000  # changed lines; one file of more is a page by itself
PAGE_BYTES = 512 << 10
FILE_LINES = 20_000  # changed lines; a file of more is marked huge, without its patch
LIST_LIMIT = 16 << 20  # bytes of names
_OPTIONS = ("-r", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color")
_LIST = (*_OPTIONS, "-z", "--raw", "--numstat", "--no-abbrev")
_STATUSES = {"A": "added", "D": "deleted", "R": "renamed", "C": "copied"}
_NOTHING = "0" * 40
_FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed file. `blob` names what it holds now, `old` where it was; `cut`: of its patch only a part is given."""

    path: str
    status: str
    old: str = ""
    added: int = 0
    removed: int = 0
    binary: bool = False
    huge: bool = False
    blob: str = ""
    mode: str = ""
    old_mode: str = ""
    patch: str = ""
    cut: bool = False

    @property
    def sections(self) -> int:
        """How git shows it: what changed its type is removed and added."""
        kinds = {mode[:3] for mode in (self.mode, self.old_mode) if mode.strip("0")}
        return 2 if self.status == "modified" and len(kinds) > 1 else 1

    def told(self) -> dict[str, Any]:
        texts = {name: plain(getattr(self, name)) for name in ("path", "old", "patch")}
        return asdict(self) | texts


@dataclass(frozen=True, slots=True)
class Page:
    files: list[FileDiff]
    following: int  # where the next page begins; 0 after the last


async def files_between(view: GitView, base: str, tree: WorkTree, path: str = "") -> list[FileDiff]:
    """All of them, without patches, in git's order. `base`: a commit or tree."""
    only = ("--", path) if path else ("--",)
    words = ("diff-tree", *_LIST, base, tree.id, *only)
    said = await view.git(*words, asked=Asked(limit=LIST_LIMIT))
    return _files(said.text, tree, path)


async def tree_with_files(
    view: GitView, base: str, standing: Standing
) -> tuple[WorkTree, list[FileDiff]]:
    """The files as they are, and all that lie between `base` and them: sooner than one after the other."""
    tree, said = await tree_and(view, standing, ("diff-index", "--cached", *_LIST, base, "--"))
    return tree, _files(said, tree, "")


def _files(said: str, tree: WorkTree, path: str) -> list[FileDiff]:
    known = {huge.path: huge for huge in tree.huge if not path or _below(huge.path, path)}
    files = [_with(file, known) for file in _read(said)]
    return files + [_of_huge(huge) for huge in known.values()]


async def page_of(
    view: GitView, base: str, tree: WorkTree, files: Sequence[FileDiff], start: int
) -> Page:
    """The files from `start` on, as many as fit, with their patches."""
    chosen = _that_fit(files[start:])
    patches, rest = await _patches(view, base, tree, files, chosen)
    page: list[FileDiff] = []
    for file in chosen:
        patch = "" if _is_bare(file) else patches.get(file.path)
        if patch is None:
            break
        page.append(replace(file, patch=patch))
    if not page:
        page = [replace(chosen[0], huge=True, cut=True, patch=rest)] if chosen else []
    following = start + len(page)
    return Page(page, following if following < len(files) else 0)


# ---- Patches


async def _patches(
    view: GitView,
    base: str,
    tree: WorkTree,
    files: Sequence[FileDiff],
    chosen: Sequence[FileDiff],
) -> tuple[dict[str, str], str]:
    """The patches of the chosen files, by path, as far as they fit; and the beginning of the next one."""
    paths = {
        path for file in chosen if not _is_bare(file) for path in (file.path, file.old) if path
    }
    if not paths:
        return {}, ""
    words = ("diff-tree", *_OPTIONS, "--patch", "--full-index", base, tree.id, "--", *sorted(paths))
    said = await view.git(*words, asked=Asked(limit=PAGE_BYTES))
    sections = [section for section in _FILE.split(said.text) if section]
    rest = sections.pop() if said.truncated and sections else ""
    found, following = {}, iter(sections)
    for file in files:
        if not (file.mode or file.old_mode) or not _touches(file, paths):
            continue  # git does not know it, or was not asked for it
        mine = [section for _ in range(file.sections) if (section := next(following, None))]
        if len(mine) < file.sections:
            break
        found[file.path] = "".join(mine)
    return found, rest[: rest.rfind("\n") + 1]


def _is_bare(file: FileDiff) -> bool:
    return file.huge or file.binary


def _touches(file: FileDiff, paths: set[str]) -> bool:
    """Whether git takes one of these for this file: a path is also every file below it."""
    parts = file.path.split("/")
    return any("/".join(parts[:count]) in paths for count in range(1, len(parts) + 1))


def _that_fit(files: Sequence[FileDiff]) -> Sequence[FileDiff]:
    lines = 0
    for number, file in enumerate(files[:PAGE_FILES]):
        lines += 0 if file.huge else file.added + file.removed
        if number and lines > PAGE_LINES:
            return files[:number]
    return files[:PAGE_FILES]


# ---- Reading the list


def _read(text: str) -> Iterator[FileDiff]:
    """From `git diff-tree -z --raw --numstat`: first every file with modes and blobs, then every count."""
    words = iter(text.split("\0"))
    files: dict[str, FileDiff] = {}
    for word in words:
        if word.startswith(":"):
            file = _raw(word, words)
            files[file.path] = file
        elif word:
            added, removed, path = word.split("\t", 2)
            if not path:  # renamed: where it was, where it is
                next(words)
                path = next(words)
            files[path] = _counted(files[path], added, removed)
    yield from files.values()


def _raw(word: str, words: Iterator[str]) -> FileDiff:
    old_mode, mode, _, blob, letter = word[1:].split(" ")
    old = next(words) if letter[0] in "RC" else ""
    return FileDiff(
        path=next(words),
        status=_STATUSES.get(letter[0], "modified"),
        old=old,
        blob="" if blob == _NOTHING else blob,
        mode=mode,
        old_mode=old_mode,
    )


def _counted(file: FileDiff, added: str, removed: str) -> FileDiff:
    if added == "-":
        return replace(file, binary=True)
    lines = int(added) + int(removed)
    return replace(file, added=int(added), removed=int(removed), huge=lines > FILE_LINES)


def _with(file: FileDiff, known: dict[str, Huge]) -> FileDiff:
    if huge := known.pop(file.path, None):
        return replace(file, huge=True, blob=huge.blob)
    return file


def _of_huge(huge: Huge) -> FileDiff:
    return FileDiff(huge.path, "modified", huge=True, blob=huge.blob)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
