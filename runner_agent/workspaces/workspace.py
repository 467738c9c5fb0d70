"""The directory a Pod works in: a git working tree on a branch of its own, or an empty directory.

A Workspace is a private clone whose objects are borrowed from the clone cache (`git clone --shared`), not a `git
worktree` of it: agents must be able to write their `.git`, and a worktree's is shared with all siblings, so that one
Pod could move another's branch or plant configuration there. It takes some 20 ms more; the cache is read-only for it.
"""

import asyncio
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from runner_agent.config import Config
from runner_agent.messages import CommandError
from runner_agent.places import Places
from runner_agent.workspaces import git_view, removal
from runner_agent.workspaces.checkouts import Checkouts, Start
from runner_agent.workspaces.copying import copy_ignored
from runner_agent.workspaces.git import GitError, git
from runner_agent.workspaces.git_names import check_ref, source_of
from runner_agent.workspaces.git_status import standing
from runner_agent.workspaces.git_tree import tree_id, whole_tree_of
from runner_agent.workspaces.git_view import GitView, plain
from runner_agent.workspaces.repositories import Base, Repositories, Say
from runner_agent.workspaces.spec import WorkspaceSpec


@dataclass(frozen=True, slots=True)
class Workspace:
    """As kept in the Pod's record. `cache` empty: an empty directory, without git."""

    path: str
    repository_url: str = ""
    branch: str = ""
    base: str = ""
    base_commit: str = ""
    cache: str = ""

    def told(self) -> dict[str, Any]:
        """What the server gets to know."""
        told = asdict(self)
        return {name: told[name] for name in ("path", "branch", "base", "base_commit")}


class Workspaces:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._repositories = Repositories(config)
        self._checkouts = Checkouts(config)

    async def prepare(self, pod: str, places: Places, spec: WorkspaceSpec, say: Say) -> Workspace:
        """Make it whole or leave nothing. CommandError: bad_url, unreachable, bad_branch, workspace_failed, copy_…"""
        _check_free(places)
        if not spec.repository_url:
            places.workspace.mkdir(mode=0o700, parents=True)
            return Workspace(str(places.workspace))
        branch = check_ref(spec.branch or f"mesh/{pod}")
        base = await self._repositories.base(spec.repository_url, spec.base, say)
        await self._checkouts.check_out(base, Start(base.commit), branch, places.workspace, say)
        await self._complete(places, spec, say)
        return Workspace(
            path=str(places.workspace),
            repository_url=spec.repository_url,
            branch=branch,
            base=base.name,
            base_commit=base.commit,
            cache=str(base.cache),
        )

    async def fork(
        self, places: Places, spec: WorkspaceSpec, old: Workspace, start: Start, say: Say
    ) -> Workspace:
        """Where the old one stands, on a branch of its own. CommandError workspace_failed, copy_…"""
        _check_free(places)
        branch = check_ref(spec.branch or f"mesh/{places.pod.name}")
        source = source_of(old.repository_url, self._config.repository_roots)
        base = Base(source, Path(old.cache), old.base, old.base_commit)
        await self._checkouts.check_out(base, start, branch, places.workspace, say)
        await self._complete(places, spec, say)
        return replace(old, path=str(places.workspace), branch=branch)

    async def make_spare(self, workspace: Workspace) -> None:
        """A working tree for the next Pod on this repository, if that saves time. GitError."""
        if workspace.cache:
            source = source_of(workspace.repository_url, self._config.repository_roots)
            base = Base(source, Path(workspace.cache), workspace.base, workspace.base_commit)
            await self._checkouts.make_spare(base)

    async def _complete(self, places: Places, spec: WorkspaceSpec, say: Say) -> None:
        if spec.copy is None:
            return
        try:
            await copy_ignored(self._config, spec.copy, places.workspace, say)
        except BaseException:
            await self.discard(places)
            raise

    def store(self, root: str) -> Path:
        """Where snapshots of this Workspace are kept."""
        return self._config.kept / f"{root}.git"

    async def known(self, workspace: Workspace) -> list[str]:
        """Commits that are safe in the clone cache. GitError."""
        words = ("for-each-ref", "--format=%(objectname)", "refs/heads", "refs/tags")
        said = await git(*words, cwd=Path(workspace.cache))
        commits = re.findall(r"^[0-9a-f]{40,64}$", said, re.MULTILINE)
        return list(dict.fromkeys([workspace.base_commit, *commits]))

    async def discard(self, places: Places) -> None:
        """Of a Pod that was never started: nobody has worked there."""
        await asyncio.to_thread(removal.remove, places.workspace, self._config.trash)

    async def work_in(self, workspace: Workspace, view: GitView) -> str:
        """What would be lost with it; empty when it is certain that no work is in it."""
        if not workspace.cache:
            return _files_in(Path(workspace.path))
        try:
            now = await standing(view)
            if now.changes:
                first = plain(now.changes[0].path)
                return f"{len(now.changes)} files are not committed, such as {first}"
            if now.head and await whole_tree_of(view, now.head) != await tree_id(view, now.head):
                return "files differ that git was told to overlook"
            if commits := await view.commits_beyond(await self.known(workspace)):
                return f"commit {commits[0][:12]} is in no branch that was fetched or pushed"
        except (git_view.ViewError, GitError) as error:
            return f"its state is not known: {error}"
        return ""


def _check_free(places: Places) -> None:
    if places.workspace.exists():
        raise CommandError(
            "workspace_exists", f"{places.workspace} is there already and is left as it is."
        )


def _files_in(path: Path) -> str:
    try:
        first = next(path.iterdir(), None)
    except FileNotFoundError:
        return ""
    return f"it holds files, such as {first.name}" if first else ""
