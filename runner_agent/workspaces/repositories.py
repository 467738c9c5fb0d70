"""The clone cache: one bare clone per repository at `repositories/<host>/<path>.git`, shared by all Workspaces.

Workspaces borrow its objects, so nothing is ever removed from it: no garbage collection, and a fetch that fails
leaves everything as it was.
"""

import asyncio
import difflib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runner_agent.config import Config
from runner_agent.messages import CommandError
from runner_agent.workspaces import removal
from runner_agent.workspaces.git import GitError, git
from runner_agent.workspaces.git_names import Source, check_ref, source_of

FETCH_TIMEOUT_S = 20.0  # what is in the cache serves when the remote is slow
FRESH_S = 5.0  # a fetch is not repeated within
_NAMES_SHOWN = 12

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Base:
    """A commit to start from. `name`: the branch, tag or commit it was asked for by."""

    source: Source
    cache: Path
    name: str
    commit: str


class Repositories:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._locks: dict[Path, asyncio.Lock] = {}
        self._fetched_at: dict[Path, float] = {}

    async def base(self, url: str, wanted: str, say: Say) -> Base:
        """Clone or fetch, then find the commit. CommandError: bad_url, unreachable, bad_branch."""
        source = source_of(url, self._config.repository_roots)
        if wanted:
            check_ref(wanted)
        cache = self._config.repositories / source.place
        async with self._locks.setdefault(cache, asyncio.Lock()):
            if cache.is_dir():
                problem = await self._fetch(source, cache, say)
            else:
                problem = ""
                await self._clone(source, cache, say)
            try:
                return await self._find(source, cache, wanted, problem)
            except GitError as error:
                raise CommandError(
                    "workspace_failed", f"The clone of {source.url} here is damaged: {error.said}"
                ) from error

    async def _clone(self, source: Source, cache: Path, say: Say) -> None:
        """Beside the others under a name of its own, until it is whole."""
        draft = self._config.repositories / f".{cache.name}.{secrets.token_hex(4)}"
        options = ("--bare", "--no-local", "--template=", "--progress", "--config", "gc.auto=0")
        words = ("clone", *options, "--", source.url, str(draft))
        try:
            await git(*words, cwd=self._config.repositories, protocol=source.protocol, on_line=say)
            cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.rename(cache)
        except GitError as error:
            raise CommandError(
                "unreachable", f"{source.url} cannot be cloned: {error.said}"
            ) from error
        finally:
            await asyncio.to_thread(removal.remove, draft, self._config.trash)
        self._fetched_at[cache] = asyncio.get_running_loop().time()

    async def _fetch(self, source: Source, cache: Path, say: Say) -> str:
        """Why the cache could not be brought up to date; empty if it was."""
        now = asyncio.get_running_loop().time()
        if now - self._fetched_at.get(cache, -FRESH_S) < FRESH_S:
            return ""
        words = ("fetch", "--prune", "--no-write-fetch-head", "--progress", "--", source.url)
        refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        try:
            await git(
                *words,
                *refs,
                cwd=cache,
                protocol=source.protocol,
                timeout_s=FETCH_TIMEOUT_S,
                on_line=say,
            )
        except GitError as error:
            say(f"{source.url} could not be fetched ({error.said}): using what was fetched before.")
            return error.said
        self._fetched_at[cache] = now
        return ""

    async def _find(self, source: Source, cache: Path, wanted: str, problem: str) -> Base:
        name = wanted or await _default_branch(cache)
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            if commit := await commit_of(cache, candidate):
                return Base(source, cache, name, commit)
        if problem:
            raise CommandError(
                "unreachable",
                f"{name!r} is not in what was fetched before, and {source.url} cannot be "
                f"reached now: {problem}",
            )
        raise CommandError("bad_branch", await _unknown(source, cache, name))


async def commit_of(repository: Path, name: str) -> str:
    """The whole id of a commit, or empty. `name` has passed check_ref."""
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    try:
        return (await git(*words, cwd=repository)).strip()
    except GitError:
        return ""


def tip_of(cache: Path, branch: str) -> str:
    """The commit of a branch in a clone of the cache, or empty. `branch` has passed check_ref."""
    loose, packed = cache / "refs/heads" / branch, cache / "packed-refs"
    if loose.is_file():
        return loose.read_text().strip()
    lines = packed.read_text().splitlines() if packed.exists() else []
    end = f" refs/heads/{branch}"
    return next((line.removesuffix(end) for line in lines if line.endswith(end)), "")


async def _default_branch(cache: Path) -> str:
    return (await git("symbolic-ref", "--short", "HEAD", cwd=cache)).strip()


async def _unknown(source: Source, cache: Path, name: str) -> str:
    words = ("for-each-ref", "--format=%(refname:lstrip=2)", "--sort=-committerdate")
    names = (await git(*words, "refs/heads", "refs/tags", cwd=cache)).split()
    if not names:
        return f"{source.url} has no commit yet: push a first one."
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{source.url} has no branch, tag or commit {name!r}.{hint} There are: {shown}."
