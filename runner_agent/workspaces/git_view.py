"""Looking at a repository that an agent can write, without running anything the agent planted there.

Git obeys the configuration it finds: file system monitors, filters, text converters, hooks, other programs. Three walls:
* git reads a directory of ours (`git-view/`), whose configuration is ours; refs, index and objects are the agent's;
* where there is a jail, it runs in one: without network, its files and the Runner's out of reach, the tree read-only;
* flags switch off what could still start a program, and there is a limit on time and on output.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from runner_agent.jail import execute
from runner_agent.jail.confine import Confinement, Isolation

TIME_LIMIT_S = 10.0
OUTPUT_LIMIT = 1 << 20  # bytes of one answer
_HEAD_LIMIT = 512
_INDEX_LIMIT = 64 << 20  # bytes; an index of half a million files
_HEAD = re.compile(rb"(ref: refs/[^\x00-\x20\x7f~^:?*\[\\]{1,300}|[0-9a-f]{40,64})\n?\Z")
_BORROWED = ("refs", "packed-refs", "info", "shallow")
_CONFIG = b"""\
[core]
\trepositoryformatversion = 0
\tbare = false
\tlogAllRefUpdates = false
"""
_FLAGS = (
    *("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.attributesFile=/dev/null"),
    *("-c", "core.pager=cat", "-c", "core.quotePath=false", "-c", "diff.external="),
    *("-c", "log.showSignature=false", "-c", "submodule.recurse=false"),
    *("-c", "protocol.allow=never", "-c", "gc.auto=0", "-c", "credential.helper="),
)
_DIFF = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-color")
_STATUSES = {
    "M": "modified",
    "T": "modified",
    "A": "added",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "U": "conflicted",
    "?": "untracked",
}


class ViewError(Exception):
    """The repository cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Change:
    path: str
    status: str  # a word of _STATUSES


@dataclass(frozen=True, slots=True)
class GitView:
    """`directory` is the Runner's own; `tree` and `cache` are read."""

    directory: Path
    tree: Path
    cache: Path
    isolation: Isolation

    async def changes(self) -> list[Change]:
        words = (
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--ignore-submodules=all",
        )
        return _read_status((await self.git(*words)).text)

    async def head(self) -> str:
        """The commit checked out; empty before the first one."""
        return await self.resolve("HEAD")

    async def resolve(self, name: str) -> str:
        """The whole id of a commit; empty if there is none. `name` has passed check_ref, or is HEAD."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = await self._run(*words)
        return found.stdout.decode().strip() if found.exit_code == 0 else ""

    async def branch(self) -> str:
        """Empty when no branch is checked out."""
        found = await self._run("symbolic-ref", "--quiet", "--short", "HEAD")
        return found.stdout.decode(errors="replace").strip() if found.exit_code == 0 else ""

    async def ahead_behind(self, base: str) -> tuple[int, int]:
        """Commits only in HEAD, commits only in `base`."""
        counted = await self.git("rev-list", "--left-right", "--count", f"{base}...HEAD", "--")
        behind, ahead = counted.text.split()
        return int(ahead), int(behind)

    async def commits_beyond(self, known: list[str]) -> list[str]:
        """Commits of HEAD, branches, tags and the stash that none of `known` and no remote branch has."""
        words = ("rev-list", "--max-count=10", "HEAD", "--all", "--not", "--remotes")
        return (await self.git(*words, *known, "--")).text.split()

    async def diff(self, base: str, path: str = "") -> "Said":
        """From `base` to the working tree, new files included."""
        return await self._with_new_files(
            "diff", *_DIFF, "--find-renames", base, "--", *_only(path)
        )

    async def counts(self, base: str) -> tuple[int, int, int]:
        """Files changed since `base`, lines added, lines removed; binary files count no lines."""
        words = ("diff", *_DIFF, "--no-renames", "--numstat", base, "--")
        rows = [row.split("\t") for row in (await self._with_new_files(*words)).text.splitlines()]
        lines = [(int(row[0]), int(row[1])) for row in rows if row[0].isdigit()]
        return len(rows), sum(added for added, _ in lines), sum(removed for _, removed in lines)

    async def git(self, *words: str, env: dict[str, str] | None = None) -> "Said":
        finished = await self._run(*words, env=env)
        if finished.timed_out:
            raise ViewError(f"git {words[0]} took more than {TIME_LIMIT_S:.0f} seconds")
        if finished.exit_code != 0:
            said = finished.stderr.decode(errors="replace").strip()[-500:]
            raise ViewError(said or f"git {words[0]} failed")
        return Said(finished.stdout.decode(errors="replace"), finished.truncated)

    async def _with_new_files(self, *words: str) -> "Said":
        """Through a copy of the index that knows the new files, beside our own configuration."""
        self._refresh()
        index = self.directory / "index"
        self._copy_index(index)
        env = {"GIT_INDEX_FILE": str(index)}
        await self.git("add", "--intent-to-add", "--ignore-errors", "--", ".", env=env)
        return await self.git(*words, env=env)

    async def _run(self, *words: str, env: dict[str, str] | None = None) -> execute.Finished:
        self._refresh()
        prefix = self.isolation.confine(
            Confinement(
                cwd=self.tree,
                writable=(self.directory,),
                readable=(self.tree, self.cache),
                network=False,
            )
        )
        try:
            return await execute.run(
                (*prefix, "git", *_FLAGS, *words),
                cwd=self.tree,
                env={**self._environment(), **(env or {})},
                timeout_s=TIME_LIMIT_S,
                limit=OUTPUT_LIMIT,
            )
        except OSError as error:
            raise ViewError(f"git cannot be run: {error.strerror}") from error

    def _environment(self) -> dict[str, str]:
        theirs = self.tree / ".git"
        return {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": str(self.directory),
            "GIT_WORK_TREE": str(self.tree),
            "GIT_OBJECT_DIRECTORY": str(self.directory / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(theirs / "objects"),
            "GIT_INDEX_FILE": str(theirs / "index"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
        }

    def _refresh(self) -> None:
        """Bring our directory up to where the agent's stands."""
        theirs = self.tree / ".git"
        if not (self.directory / "config").exists():
            (self.directory / "objects").mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in _BORROWED:
                link = self.directory / name
                link.unlink(missing_ok=True)
                link.symlink_to(theirs / name)
            _replace(self.directory / "config", _CONFIG)
        head = _read_plain(theirs / "HEAD", _HEAD_LIMIT)
        if not _HEAD.match(head):
            raise ViewError("its HEAD is damaged")
        _replace(self.directory / "HEAD", head)

    def _copy_index(self, to: Path) -> None:
        to.unlink(missing_ok=True)
        theirs = self.tree / ".git/index"
        if os.path.lexists(theirs):
            _replace(to, _read_plain(theirs, _INDEX_LIMIT))


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    truncated: bool = False


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all; made again when it is lost."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    draft.replace(path)


def _only(path: str) -> tuple[str, ...]:
    return (path,) if path else ()


def _read_plain(path: Path, limit: int) -> bytes:
    """A regular file of the agent's; never a link, a device or a pipe that would hold us up."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ViewError(f"{path.name} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        held = os.fstat(descriptor)
        if not stat.S_ISREG(held.st_mode) or held.st_size > limit:
            raise ViewError(f"{path.name} is not what git makes")
        return file.read(limit)


def _read_status(text: str) -> list[Change]:
    """From `git status --porcelain=v1 -z`: two letters, a space, the path; a rename is followed by the old path."""
    changes, entries = [], iter(text.split("\0"))
    for entry in entries:
        if len(entry) < 4:  # noqa: PLR2004
            continue
        letters, path = entry[:2], entry[3:]
        if letters[0] in "RC":
            next(entries, "")
        conflicted = "U" in letters or letters in ("AA", "DD")
        letter = "U" if conflicted else letters.strip()[0]
        changes.append(Change(path, _STATUSES.get(letter, "modified")))
    return changes
