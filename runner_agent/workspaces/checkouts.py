"""Making working trees: a private clone that borrows the cache's objects, on a branch of its own.

Writing the files takes most of the time, so of a repository whose files took long a spare tree is made beside, after a
Pod has started; the next Pod gets it by a rename.
"""

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from runner_agent.config import Config
from runner_agent.messages import CommandError
from runner_agent.workspaces import removal
from runner_agent.workspaces.git import GitError, git
from runner_agent.workspaces.repositories import Base, Say

SPARE_WORTH_S = 0.1  # what is checked out faster needs none
SPARES_MAX = 8  # repositories with one
_ERRORS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Start:
    """What a working tree begins with. `files`: a tree laid over the commit's, left uncommitted; it lies in `store`."""

    commit: str
    files: str = ""
    store: Path | None = None
    ref: str = ""  # of the store, that holds both


class Checkouts:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._slow: set[str] = set()  # spares that are worth being made

    async def check_out(self, base: Base, start: Start, branch: str, path: Path, say: Say) -> None:
        """Whole, or nothing is left. CommandError workspace_failed."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        began = time.monotonic()
        try:
            if not await self._taken(base, draft):
                await self._clone(base, draft)
            await _fill(draft, start, branch, say)
            draft.rename(path)
        except GitError as error:
            raise CommandError(
                "workspace_failed", f"{base.name} cannot be checked out: {error.said}"
            ) from error
        finally:
            await asyncio.to_thread(removal.remove, draft, self._config.trash)
        if time.monotonic() - began > SPARE_WORTH_S:
            self._slow.add(self._spare(base).name)

    async def make_spare(self, base: Base) -> None:
        """For the next Pod on this repository, if the last one had to wait for its files."""
        spare = self._spare(base)
        if spare.name not in self._slow or await asyncio.to_thread(spare.exists):
            return
        await asyncio.to_thread(self._make_room)
        draft = spare.with_name(f".{spare.name}.{secrets.token_hex(4)}")
        try:
            await self._clone(base, draft)
            await git("checkout", "--quiet", "--detach", base.commit, cwd=draft)
            draft.rename(spare)
        finally:
            await asyncio.to_thread(removal.remove, draft, self._config.trash)

    async def _clone(self, base: Base, draft: Path) -> None:
        options = ("--shared", "--no-checkout", "--template=")
        clone = ("clone", "--quiet", *options, "--", str(base.cache), str(draft))
        await git(*clone, cwd=self._config.workspaces, protocol="file")
        await git("remote", "set-url", "origin", "--", base.source.url, cwd=draft)

    async def _taken(self, base: Base, draft: Path) -> bool:
        try:
            self._spare(base).rename(draft)
        except OSError:
            return False
        return True

    def _spare(self, base: Base) -> Path:
        name = hashlib.sha256(f"{base.cache}\0{base.source.url}\0{base.name}".encode()).hexdigest()
        return self._config.spares / name[:16]

    def _make_room(self) -> None:
        self._config.spares.mkdir(mode=0o700, parents=True, exist_ok=True)
        spares = sorted(self._config.spares.iterdir(), key=lambda path: path.lstat().st_mtime)
        for path in spares[: max(0, len(spares) - SPARES_MAX + 1)]:
            removal.remove(path, self._config.trash)


async def _fill(draft: Path, start: Start, branch: str, say: Say) -> None:
    if start.store:
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", str(start.store))
        await git(*fetch, f"{start.ref}:refs/mesh/fork", cwd=draft, protocol="file")
    if not await asyncio.to_thread(_stands_at, draft, start.commit, branch):
        await _switch(draft, branch, start.commit, say)
    if start.files:
        await git("read-tree", "-u", "--reset", start.files, cwd=draft)
        await git("reset", "--quiet", "--mixed", cwd=draft)
    if start.store:
        await git("update-ref", "-d", "refs/mesh/fork", cwd=draft)


def _stands_at(tree: Path, commit: str, branch: str) -> bool:
    """A spare whose files are those of the commit only changes names; git would look at every file again."""
    head, ref = tree / ".git/HEAD", tree / ".git/refs/heads" / branch
    if head.read_text().strip() != commit:
        return False
    try:
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(f"{commit}\n")
    except OSError:  # the name of a branch is in its way: git says so in its own words
        return False
    head.write_text(f"ref: refs/heads/{branch}\n")
    return True


async def _switch(tree: Path, branch: str, commit: str, say: Say) -> None:
    """GitError also for a file that could not be written: git says so and still ends with 0."""
    wrong: list[str] = []

    def heard(line: str) -> None:
        say(line)
        if line.startswith("error:"):
            wrong.append(line)

    words = ("checkout", "--progress", "--no-track", "-B", branch, commit)
    await git(*words, cwd=tree, on_line=heard)
    if wrong:
        raise GitError("; ".join(wrong[:_ERRORS_SHOWN]))
