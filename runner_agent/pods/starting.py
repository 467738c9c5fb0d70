"""From a wish to a running Pod: workspace, agent, ready. All of it or nothing."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner_agent.config import Config
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.jail.environment import environment
from runner_agent.messages import CommandError, Progress, StartPod
from runner_agent.places import Places
from runner_agent.pods.records import Record, Records
from runner_agent.terminals.hosts import HostError, Launch, PodHost, PodHosts
from runner_agent.workspaces import removal
from runner_agent.workspaces.workspace import Workspace, Workspaces

TEXT_MAX = 500  # characters of one line of progress
_GITCONFIG = """\
[user]
\tname = {pod}
\temail = {pod}@mesh.invalid
[init]
\tdefaultBranch = main
"""

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Starting:
    config: Config
    hosts: PodHosts
    records: Records
    workspaces: Workspaces
    isolation: Isolation
    tell: Tell

    async def start(self, wanted: StartPod) -> PodHost:
        """CommandError, and cancellation, leave no process, no directory and no record."""
        if self.config.isolation == "jail" and self.isolation.level != "jail":
            raise CommandError("no_isolation", self.isolation.problem)
        places = self.records.places(wanted.pod)
        env = environment(self.config, places, wanted.pod, wanted.env)
        argv = _program(wanted.argv, env["PATH"])
        self.hosts.starting.add(wanted.pod)
        try:
            workspace = await self._workspace(wanted, places)
            return await self._launch(wanted, workspace, argv, env)
        finally:
            self.hosts.starting.discard(wanted.pod)

    async def _workspace(self, wanted: StartPod, places: Places) -> Workspace:
        self._say(wanted.pod, "workspace")
        places.make()
        say = partial(self._say, wanted.pod, "workspace")
        try:
            return await self.workspaces.prepare(wanted.pod, places, wanted.workspace, say)
        except BaseException:
            await self._forget(wanted.pod, places)
            raise

    async def _launch(
        self, wanted: StartPod, workspace: Workspace, argv: tuple[str, ...], env: dict[str, str]
    ) -> PodHost:
        places = self.records.places(wanted.pod)
        self._say(wanted.pod, "agent", " ".join(argv))
        (places.home / ".gitconfig").write_text(_GITCONFIG.format(pod=wanted.pod))
        if wanted.prompt:
            places.prompt.write_text(wanted.prompt)
        record = Record(
            pod=wanted.pod,
            isolation=self.isolation.level,
            env=wanted.env,
            workspace=workspace,
        )
        self.records.add(record)
        launch = Launch(
            pod=wanted.pod,
            argv=(*self.isolation.confine(confinement(places, workspace)), *argv),
            env=env,
            cwd=workspace.path,
            cols=wanted.cols,
            rows=wanted.rows,
        )
        try:
            host = await self._spawn(launch)
        except BaseException:
            await self.workspaces.discard(places)
            await self._forget(wanted.pod, places)
            raise
        self._say(wanted.pod, "ready")
        return host

    async def _spawn(self, launch: Launch) -> PodHost:
        """A spawn is not left half-way: cancelled, it is waited for, and what it made is ended."""
        async with asyncio.TaskGroup() as group:
            spawning = group.create_task(self._try_spawn(launch))
            try:
                made = await asyncio.shield(spawning)
            except asyncio.CancelledError:
                made = await spawning
                if isinstance(made, PodHost):
                    made.terminate(0)
                    await made.ended()
                raise
        if isinstance(made, HostError):
            raise CommandError("host_failed", f"The agent could not be started: {made}")
        return made

    async def _try_spawn(self, launch: Launch) -> PodHost | HostError:
        try:
            return await self.hosts.spawn(launch)
        except HostError as error:
            return error

    async def _forget(self, pod: str, places: Places) -> None:
        self.records.drop(pod)
        self.hosts.forget(pod)
        await asyncio.to_thread(removal.remove, places.pod, self.config.trash)

    def _say(self, pod: str, step: str, text: str = "") -> None:
        self.tell(Progress(pod, step, text[:TEXT_MAX]))


def confinement(places: Places, workspace: Workspace) -> Confinement:
    """What a Pod's own processes may touch: its Workspace, its HOME and its temporary files."""
    return Confinement(
        cwd=places.workspace,
        tmp=places.tmp,
        writable=(places.workspace, places.home, places.tmp),
        readable=(Path(workspace.cache),) if workspace.cache else (),
    )


def _program(argv: tuple[str, ...], path: str) -> tuple[str, ...]:
    """`argv`, if there is such a program; a missing bash is replaced by sh."""
    if "/" in argv[0] or shutil.which(argv[0], path=path):
        return argv
    if argv[0] == "bash":
        return ("sh", *argv[1:])
    raise CommandError(
        "agent_missing",
        f"{argv[0]} is not on the PATH of this Runner: install it there, or choose another Runner.",
    )
