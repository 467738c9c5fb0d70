"""The Workspace a Pod starts in, when it is a new one: of a repository, or where another Pod stands."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runner_agent.messages import CommandError
from runner_agent.places import Places
from runner_agent.pods.records import Record, Records
from runner_agent.pods.views import Views
from runner_agent.workspaces.checkouts import Start
from runner_agent.workspaces.git import GitError
from runner_agent.workspaces.git_view import ViewError
from runner_agent.workspaces.snapshots import keep, last
from runner_agent.workspaces.spec import WorkspaceSpec
from runner_agent.workspaces.workspace import Workspace, Workspaces

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NewWorkspace:
    records: Records
    workspaces: Workspaces
    views: Views

    async def make(self, places: Places, spec: WorkspaceSpec, say: Say) -> Workspace:
        """CommandError: those of Workspaces.prepare, unknown_pod, fork_failed. Nothing is left half-made."""
        if not spec.fork_of:
            return await self.workspaces.prepare(places.pod.name, places, spec, say)
        old = self.records.get(spec.fork_of)
        if old is None:
            raise CommandError("unknown_pod", f"Pod {spec.fork_of} is not known to this Runner.")
        if not old.workspace.cache:
            raise CommandError("fork_failed", f"{spec.fork_of} works in a directory without git.")
        try:
            start = await self._where(old)
        except (ViewError, GitError) as error:
            raise CommandError(
                "fork_failed", f"The Workspace of {spec.fork_of} cannot be read: {error}."
            ) from error
        say(f"from where {spec.fork_of} stands: {start.commit[:12]}")
        return await self.workspaces.fork(places, spec, old.workspace, start, say)

    async def _where(self, old: Record) -> Start:
        """Its commit and its files as they are; of one that is gone, as they were kept."""
        store = self.workspaces.store(old.root or old.pod)
        if _is_there(Path(old.workspace.path)):
            known = await self.workspaces.known(old.workspace)
            async with self.views.of(old) as view:
                snapshot = await keep(view, store, known, f"{old.pod}: Before it is forked.")
            return _start(snapshot.head, snapshot.tree, store, snapshot.ref)
        if kept := await last(store):
            return _start(kept.parents[0] if kept.parents else "", kept.tree, store, kept.ref)
        return Start(old.workspace.base_commit)


def _start(head: str, tree: str, store: Path, ref: str) -> Start:
    if not head:
        raise ViewError("it has no commit yet")
    return Start(head, tree, store, ref) if ref else Start(head)


def _is_there(path: Path) -> bool:
    return path.is_dir()
