"""Commands on a Pod's Workspace: commit, push, snapshot, remove to the trash, restore from it. Also after the Pod ended."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner_agent.config import Config
from runner_agent.jail.environment import environment
from runner_agent.messages import Command, CommandError
from runner_agent.pods.records import Record, Records
from runner_agent.pods.starting import confinement
from runner_agent.pods.views import Views
from runner_agent.pods.workspace_payloads import (
    Commit,
    Push,
    Removal,
    commit_of,
    push_of,
    removal_of,
)
from runner_agent.terminals.hosts import PodHosts
from runner_agent.workspaces import publishing
from runner_agent.workspaces.git import GitError
from runner_agent.workspaces.git_names import check_ref, source_of
from runner_agent.workspaces.git_view import GitView, ViewError
from runner_agent.workspaces.publishing import Bench
from runner_agent.workspaces.snapshots import Snapshot, keep
from runner_agent.workspaces.trash import Trash
from runner_agent.workspaces.workspace import Workspace, Workspaces

logger = logging.getLogger(__name__)

KINDS = frozenset({"commit", "push", "snapshot", "remove", "restore"})


@dataclass(frozen=True, slots=True)
class WorkspaceCommands:
    config: Config
    hosts: PodHosts
    records: Records
    workspaces: Workspaces
    views: Views
    tools_url: str

    async def do(self, command: Command) -> dict[str, Any]:
        """CommandError when it cannot be done."""
        record = self.records.get(command.pod)
        if record is None:
            raise CommandError("unknown_pod", f"There is no Pod {command.pod} on this Runner.")
        try:
            match command.kind:
                case "commit":
                    return await self._commit(record, commit_of(command))
                case "push":
                    return await self._push(record, push_of(command))
                case "snapshot":
                    return _kept(await self.snapshot(record, "Asked for."))
                case "remove":
                    return await self._remove(record, removal_of(command))
                case _:
                    return await asyncio.to_thread(self._restore, record)
        except ViewError as error:
            raise CommandError("not_readable", f"The Workspace cannot be read: {error}.") from error
        except GitError as error:
            raise CommandError("not_kept", f"The work cannot be kept: {error.said}.") from error

    # ---- Commit and push

    async def _commit(self, record: Record, wanted: Commit) -> dict[str, Any]:
        _check_git(record.workspace)
        made = await publishing.commit(self._bench(record), wanted.message, wanted.paths)
        async with self.views.of(record) as view:
            return {**made, "branch": await view.branch()}

    async def _push(self, record: Record, wanted: Push) -> dict[str, Any]:
        workspace = record.workspace
        _check_git(workspace)
        async with self.views.of(record) as view:
            head, branch = await view.head(), wanted.branch or await view.branch()
            if not head:
                raise CommandError("nothing_to_push", "There is no commit yet.")
            if not branch:
                raise CommandError("no_branch", "No branch is checked out: say which to push to.")
            check_ref(branch)
            await self._push_head(record, view, replace(wanted, branch=branch), head)
        return {"remote": wanted.remote, "branch": branch, "head": head}

    async def _push_head(self, record: Record, view: GitView, wanted: Push, head: str) -> None:
        bench = self._bench(record)
        source = source_of(record.workspace.repository_url, self.config.repository_roots)
        if wanted.remote == "origin" and (wanted.secrets or source.is_local):
            await publishing.push_from_ours(view, source, head, wanted.branch, wanted.secrets)
            await bench.git("update-ref", f"refs/remotes/origin/{wanted.branch}", head)
        else:
            await publishing.push(bench, wanted.remote, head, wanted.branch)

    # ---- Keep, remove, restore

    async def snapshot(self, record: Record, why: str) -> Snapshot:
        """What is nowhere else is kept in the Runner's own store. ViewError, GitError."""
        _check_git(record.workspace)
        async with self.views.of(record) as view:
            return await self._keep(record, view, why)

    async def _keep(self, record: Record, view: GitView, why: str) -> Snapshot:
        known = await self.workspaces.known(record.workspace)
        store = self.workspaces.store(_root(record))
        return await keep(view, store, known, f"{record.pod}: {why}")

    async def keep_at_end(self, record: Record) -> None:
        """Of a Pod that has just ended. What cannot be kept now is tried again before any removal."""
        if not record.workspace.cache:
            return
        try:
            snapshot = await self.snapshot(record, "It ended.")
        except (ViewError, GitError) as error:
            logger.warning("the work of pod %s was not kept: %s", record.pod, error)
        else:
            logger.info("the work of pod %s is kept as %s", record.pod, snapshot.commit or "it was")

    async def _remove(self, record: Record, wanted: Removal) -> dict[str, Any]:
        """Into the trash. Work that is nowhere else stops it unless `force`; it is kept besides in either case."""
        root, workspace = _root(record), record.workspace
        if self.trash.holds(root) and not await asyncio.to_thread(Path(workspace.path).exists):
            return {"removed": True}
        self._check_unused(root)
        places = self.records.places(record.pod)
        paths = {"workspace": places.workspace, "home": places.home}
        async with self.views.of(record) as view:
            if not wanted.force and (why := await self.workspaces.work_in(workspace, view)):
                raise CommandError("has_work", f"It is kept: {why}.")
            kept = await self._kept_before_removal(record, view, force=wanted.force)
            until = await asyncio.to_thread(self.trash.bury, root, paths, wanted.why)
        return {**kept, "removed": True, "until": datetime.fromtimestamp(until, UTC).isoformat()}

    async def _kept_before_removal(
        self, record: Record, view: GitView, *, force: bool
    ) -> dict[str, Any]:
        """What cannot even be read is in the trash all the same, when it was asked for by name."""
        if not record.workspace.cache:
            return {}
        try:
            return _kept(await self._keep(record, view, "Before it is removed."))
        except (ViewError, GitError):
            if not force:
                raise
            return {}

    def _restore(self, record: Record) -> dict[str, Any]:
        self.trash.restore(_root(record))
        return {"restored": True}

    def _check_unused(self, root: str) -> None:
        for each in self.records.rooted(root):
            host = self.hosts.get(each.pod)
            if each.pod in self.hosts.starting or (host and host.running):
                raise CommandError("workspace_busy", f"{each.pod} works in it: end it first.")

    # ----

    @property
    def trash(self) -> Trash:
        return Trash(self.config.removed, self.config.trash)

    def _bench(self, record: Record) -> Bench:
        places = self.records.places(record.pod)
        confined = confinement(places, record.workspace, record.shown)
        there = tuple(
            path for path in confined.readable if path != places.files
        )  # it goes at the end
        env = environment(self.config, places, record.pod, record.env, self.tools_url)
        return Bench(
            self.views.isolation.confine(replace(confined, readable=there)), env, places.workspace
        )


def _root(record: Record) -> str:
    return record.root or record.pod


def _check_git(workspace: Workspace) -> None:
    if not workspace.cache:
        raise CommandError("no_git", "This Pod works in a directory without git.")


def _kept(snapshot: Snapshot) -> dict[str, Any]:
    return {"kept": snapshot.commit, "head": snapshot.head}
