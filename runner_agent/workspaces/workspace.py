"""The directory a Pod works in: a git working tree on a branch of its own, or an empty directory.

A Workspace is a private clone whose objects are borrowed from the clone cache (`git clone --shared`), not a `git
worktree` of it: agents must be able to write their `.git`, and a worktree's is shared with all siblings, so that one
Pod could move another's branch or plant configuration there. It takes some 20 ms more; the cache is read-only for it.
"""

import asyncio
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner_agent.config import Config
from runner_agent.messages import CommandError, WorkspaceSpec
from runner_agent.places import Places
from runner_agent.workspaces import git_view, removal
from runner_agent.workspaces.git import GitError, git
from runner_agent.workspaces.git_names import check_ref
from runner_agent.workspaces.git_status import standing
from runner_agent.workspaces.git_view import GitView, plain
from runner_agent.workspaces.repositories import Base, Repositories, Say

_ERRORS_SHOWN = 3


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

    async def prepare(self, pod: str, places: Places, spec: WorkspaceSpec, say: Say) -> Workspace:
        """Make it whole or leave nothing. CommandError: bad_url, unreachable, bad_branch, workspace_failed."""
        if places.workspace.exists():
            raise CommandError(
                "workspace_exists", f"{places.workspace} is there already and is left as it is."
            )
        if not spec.repository_url:
            places.workspace.mkdir(mode=0o700, parents=True)
            return Workspace(str(places.workspace))
        branch = check_ref(spec.branch or f"mesh/{pod}")
        base = await self._repositories.base(spec.repository_url, spec.base, say)
        await self._check_out(base, branch, places.workspace, say)
        return Workspace(
            path=str(places.workspace),
            repository_url=spec.repository_url,
            branch=branch,
            base=base.name,
            base_commit=base.commit,
            cache=str(base.cache),
        )

    async def _check_out(self, base: Base, branch: str, path: Path, say: Say) -> None:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        options = ("--shared", "--no-checkout", "--template=")
        try:
            clone = ("clone", "--quiet", *options, "--", str(base.cache), str(draft))
            await git(*clone, cwd=self._config.workspaces, protocol="file")
            await git("remote", "set-url", "origin", "--", base.source.url, cwd=draft)
            await _switch(draft, branch, base.commit, say)
            draft.rename(path)
        except GitError as error:
            raise CommandError(
                "workspace_failed", f"{base.name} cannot be checked out: {error.said}"
            ) from error
        finally:
            await asyncio.to_thread(self._discard, draft)

    def _discard(self, path: Path) -> None:
        removal.remove(path, self._config.trash)

    async def discard(self, places: Places) -> None:
        """Of a Pod that was never started: nobody has worked there."""
        await asyncio.to_thread(self._discard, places.workspace)

    async def remove_if_safe(self, workspace: Workspace, view: GitView) -> str:
        """Why it is kept; empty when it is removed. Kept unless it is certain that no work is in it."""
        kept = await self._work_in(workspace, view)
        if not kept:
            await asyncio.to_thread(self._discard, Path(workspace.path))
        return kept

    async def _work_in(self, workspace: Workspace, view: GitView) -> str:
        if not workspace.cache:
            return _files_in(Path(workspace.path))
        try:
            if changed := (await standing(view)).changes:
                return f"{len(changed)} files are not committed, such as {plain(changed[0].path)}"
            published = await _published(Path(workspace.cache), workspace)
            if commits := await view.commits_beyond(published):
                return f"commit {commits[0][:12]} is in no branch that was fetched or pushed"
        except git_view.ViewError as error:
            return f"its state is not known: {error}"
        return ""


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


def _files_in(path: Path) -> str:
    try:
        first = next(path.iterdir(), None)
    except FileNotFoundError:
        return ""
    return f"it holds files, such as {first.name}" if first else ""


async def _published(cache: Path, workspace: Workspace) -> list[str]:
    words = ("for-each-ref", "--format=%(objectname)", "refs/heads", "refs/tags")
    commits = re.findall(r"^[0-9a-f]{40,64}$", await git(*words, cwd=cache), re.MULTILINE)
    return [workspace.base_commit, *commits]
