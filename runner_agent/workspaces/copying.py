"""Copy what a repository ignores (keys, settings, dependencies) from a directory that the Runner's operator allows.

Only files that git ignores in the new tree are copied, so that `git status` stays clean. Nothing is followed: neither a
link in the source nor one that the repository has in the place where a file should go.
"""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from runner_agent.config import Config
from runner_agent.jail import execute
from runner_agent.messages import CommandError
from runner_agent.workspaces.git import SAFE, GitError
from runner_agent.workspaces.repositories import Say
from runner_agent.workspaces.spec import CopyFiles

FILES_MAX = 20_000
BYTES_MAX = 2 << 30
IGNORED_S = 30.0  # for git to judge the names
_LIST_MAX = 32 << 20  # bytes of names
_PIECE = 1 << 20
_NAMED = 3  # files in one line


async def copy_ignored(config: Config, wanted: CopyFiles, tree: Path, say: Say) -> None:
    """CommandError copy_not_allowed, copy_failed."""
    source = await asyncio.to_thread(_allowed, config, wanted.source)
    try:
        found = await asyncio.to_thread(lambda: list(_matching(source, wanted.globs)))
        ignored = await _ignored(tree, [path for path in found if not _is_beyond_link(tree, path)])
        await asyncio.to_thread(_copy_all, source, tree, ignored)
    except (OSError, GitError) as error:
        raise CommandError(
            "copy_failed", f"Files of {source} cannot be copied: {error}."
        ) from error
    known = set(ignored)
    if left := [path for path in found if path not in known]:
        names = ", ".join(map(str, left[:_NAMED]))
        say(f"{len(left)} files are not copied, as the repository does not ignore them: {names}")
    say(f"{len(ignored)} ignored files are copied from {source}")


def _allowed(config: Config, given: str) -> Path:
    source = Path(given)
    try:
        source = source.resolve(strict=True)
    except OSError as error:
        raise CommandError(
            "copy_failed", f"There is no directory {given[:200]} on this Runner."
        ) from error
    if not any(source.is_relative_to(root) for root in config.copy_roots):
        raise CommandError(
            "copy_not_allowed",
            f"{given[:200]} is not below a directory that this Runner may copy files from. Add one to "
            "copy_roots in its config.toml.",
        )
    return source


def _matching(source: Path, globs: Sequence[str]) -> Iterator[PurePath]:
    """Regular files, relative to the source; a directory that matches stands for all below it."""
    count = size = 0
    for directory, names, files in os.walk(source):
        here = Path(directory)
        names[:] = [name for name in names if name != ".git" and not (here / name).is_symlink()]
        for name in files:
            relative = (here / name).relative_to(source)
            held = (here / name).lstat()
            if not stat.S_ISREG(held.st_mode) or not _matches(relative, globs):
                continue
            count, size = count + 1, size + held.st_size
            if count > FILES_MAX or size > BYTES_MAX:
                raise CommandError(
                    "copy_failed",
                    f"The patterns name more than {FILES_MAX} files or 2 GiB in {source}: name fewer.",
                )
            yield relative


def _matches(path: PurePath, globs: Sequence[str]) -> bool:
    """`x` and `x/` match at any depth, `a/b` from the top; what lies below a match is part of it."""
    lines = [path, *path.parents][:-1]
    for glob in globs:
        pattern = glob.strip("/")
        if "/" in pattern:
            found = any(PurePath("/", one).match(f"/{pattern}") for one in lines)
        else:
            found = any(PurePath(one.name).match(pattern) for one in lines)
        if pattern and found:
            return True
    return False


def _is_beyond_link(tree: Path, path: PurePath) -> bool:
    return any((tree / above).is_symlink() for above in path.parents)


async def _ignored(tree: Path, paths: Sequence[PurePath]) -> list[PurePath]:
    """Those that git would not show."""
    with tempfile.TemporaryFile() as listed:
        listed.write(b"".join(os.fsencode(path) + b"\0" for path in paths))
        listed.seek(0)
        finished = await execute.run(
            ("git", *SAFE, "check-ignore", "-z", "--stdin"),
            cwd=tree,
            env={"PATH": os.defpath, "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            timeout_s=IGNORED_S,
            limit=_LIST_MAX,
            streams=execute.Streams(stdin=listed.fileno()),
        )
    if finished.exit_code > 1 or finished.exit_code < 0:
        raise GitError(finished.stderr.decode(errors="replace").strip()[-300:])
    return [PurePath(os.fsdecode(path)) for path in finished.stdout.split(b"\0") if path]


def _copy_all(source: Path, tree: Path, paths: Sequence[PurePath]) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    above, below = os.open(source, flags), os.open(tree, flags)
    try:
        for path in paths:
            _copy(above, below, path)
    finally:
        os.close(above)
        os.close(below)


def _copy(above: int, below: int, path: PurePath) -> None:
    """One file, its mode with it; what is there already stays."""
    with _parent(above, path, make=False) as here, _parent(below, path, make=True) as there:
        read = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
        with os.fdopen(read, "rb") as old:
            held = os.fstat(read)
            if not stat.S_ISREG(held.st_mode):
                return
            create = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            try:
                write = os.open(path.name, create, stat.S_IMODE(held.st_mode) & 0o755, dir_fd=there)
            except FileExistsError:
                return
            with os.fdopen(write, "wb") as new:
                shutil.copyfileobj(old, new, _PIECE)


@contextmanager
def _parent(root: int, path: PurePath, *, make: bool) -> Iterator[int]:
    """The directory of a file, step by step, through no link."""
    at = os.dup(root)
    try:
        for part in path.parts[:-1]:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=at)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)
