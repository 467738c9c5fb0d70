"""Looking at a repository that an agent can write, without running anything the agent planted there.

Git obeys the configuration it finds: file system monitors, filters, text converters, hooks, other programs. Three walls:
* git reads a directory of ours (`git-view/`), whose configuration is ours; refs and objects are the agent's, its index
  is a copy;
* where there is a jail, it runs in one: without network, its files and the Runner's out of reach, the tree read-only;
* flags switch off what could still start a program, and there is a limit on time and on output.

What git makes for us (our copy of the index kept fresh, trees of the files as they are) lies in that directory, too.
"""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner_agent.jail import execute
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.workspaces.git_words import Words, command_line

TIME_LIMIT_S = 10.0
OUTPUT_LIMIT = 1 << 20  # bytes of one answer
LONG = 60.0  # seconds for what reads every file
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


class ViewError(Exception):
    """The repository cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """`text` keeps bytes that are no UTF-8 as surrogates: see `plain`."""

    text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """How one git command is run. `index` None: our copy of the agent's."""

    index: Path | None = None
    env: Mapping[str, str] | None = None
    stdin: bytes = b""
    limit: int = OUTPUT_LIMIT
    timeout_s: float = 0.0  # 0: TIME_LIMIT_S


PLAINLY = Asked()


@dataclass(frozen=True, slots=True)
class GitView:
    """`directory` is the Runner's own; `tree` and `cache` are read."""

    directory: Path
    tree: Path
    cache: Path
    isolation: Isolation

    async def head(self) -> str:
        """The commit checked out; empty before the first one."""
        return await self.resolve("HEAD")

    async def resolve(self, name: str) -> str:
        """The whole id of a commit; empty if there is none. `name` has passed check_ref, or is HEAD."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = await self._run((words,), PLAINLY)
        return found.stdout.decode().strip() if found.exit_code == 0 else ""

    async def branch(self) -> str:
        """Empty when no branch is checked out."""
        words = ("symbolic-ref", "--quiet", "--short", "HEAD")
        found = await self._run((words,), PLAINLY)
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

    async def git(self, *words: str, asked: Asked = PLAINLY) -> Said:
        return await self.git_in_turn(words, asked=asked)

    async def git_in_turn(self, *commands: Words, asked: Asked = PLAINLY) -> Said:
        """What all of them print, up to the first that fails: a jail for each takes longer than most of them."""
        finished = await self._run(commands, asked)
        name = " and ".join(words[0] for words in commands)
        if finished.timed_out:
            raise ViewError(f"git {name} took more than {_limit(asked):.0f} seconds")
        if finished.exit_code != 0:
            said = finished.stderr.decode(errors="replace").strip()[-500:]
            raise ViewError(said or f"git {name} failed")
        return Said(finished.stdout.decode(errors="surrogateescape"), finished.truncated)

    @property
    def index(self) -> Path:
        """Our copy of the agent's, kept fresh: a file unchanged since is not read again."""
        return self.directory / "index"

    def copy_of_index(self, name: str) -> Path:
        """To be changed at will; it starts as our copy."""
        self.refresh()
        copy = self.directory / name
        for left in (copy, copy.with_name(f"{name}.lock")):
            left.unlink(missing_ok=True)
        if self.index.exists():
            shutil.copyfile(self.index, copy)
        return copy

    async def _run(self, commands: Sequence[Words], asked: Asked) -> execute.Finished:
        self.refresh()
        prefix = self.isolation.confine(
            Confinement(
                cwd=self.tree,
                writable=(self.directory,),
                readable=(self.tree, self.cache),
                network=False,
            )
        )
        env = self.environment() | {"GIT_INDEX_FILE": str(asked.index or self.index)}
        with tempfile.TemporaryFile() as stdin:
            stdin.write(asked.stdin)
            stdin.seek(0)
            try:
                return await execute.run(
                    (*prefix, *command_line(*commands)),
                    cwd=self.tree,
                    env=env | dict(asked.env or {}),
                    timeout_s=_limit(asked),
                    limit=asked.limit,
                    streams=execute.Streams(stdin=stdin.fileno()),
                )
            except OSError as error:
                raise ViewError(f"git cannot be run: {error.strerror}") from error

    def environment(self) -> dict[str, str]:
        theirs = self.tree / ".git"
        return {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_DIR": str(self.directory),
            "GIT_WORK_TREE": str(self.tree),
            "GIT_OBJECT_DIRECTORY": str(self.directory / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{theirs / 'objects'}:{self.cache / 'objects'}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
        }

    def refresh(self) -> None:
        """Bring our directory up to where the agent's stands."""
        theirs = self.tree / ".git"
        if not (self.directory / "config").exists():
            (self.directory / "objects").mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in _BORROWED:
                link = self.directory / name
                link.unlink(missing_ok=True)
                link.symlink_to(theirs / name)
            replace(self.directory / "config", _CONFIG)
        with _opened(theirs) as gitdir:
            head = _read_plain(gitdir, "HEAD", _HEAD_LIMIT)
            if not _HEAD.match(head):
                raise ViewError("its HEAD is damaged")
            replace(self.directory / "HEAD", head)
            self._follow_index(gitdir)

    def _follow_index(self, gitdir: int) -> None:
        """Copied anew only when the agent's has changed, so that what we learned of its files is kept."""
        mark = self.directory / "index-of"
        try:
            held = os.stat("index", dir_fd=gitdir, follow_symlinks=False)
        except OSError:  # before the first checkout there is none
            self.index.unlink(missing_ok=True)
            return
        seen = f"{held.st_ino} {held.st_mtime_ns} {held.st_size}".encode()
        if mark.exists() and mark.read_bytes() == seen and self.index.exists():
            return
        self.index.with_name("index.lock").unlink(missing_ok=True)  # of one that was killed
        replace(self.index, _read_plain(gitdir, "index", _INDEX_LIMIT))
        replace(mark, seen)


def replace(path: Path, data: bytes) -> None:
    """Whole or not at all; made again when it is lost."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    draft.replace(path)


def plain(text: str) -> str:
    """Without what is no text: as it may travel in JSON."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _limit(asked: Asked) -> float:
    return asked.timeout_s or TIME_LIMIT_S


@contextmanager
def _opened(gitdir: Path) -> Iterator[int]:
    """The agent's `.git`, if it is a directory in its own place."""
    try:
        descriptor = os.open(gitdir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ViewError(f"its .git cannot be read: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read_plain(gitdir: int, name: str, limit: int) -> bytes:
    """A regular file of the agent's; never a link, a device or a pipe that would hold us up."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=gitdir)
    except OSError as error:
        raise ViewError(f"{name} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        held = os.fstat(descriptor)
        if not stat.S_ISREG(held.st_mode) or held.st_size > limit:
            raise ViewError(f"{name} is not what git makes")
        return file.read(limit)
