"""From a wish to a running Pod: workspace, agent, ready. All of it or nothing."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from runner_agent.agents import login
from runner_agent.agents.agents import Agents
from runner_agent.agents.launch import Prepared, prepare, values_of
from runner_agent.agents.program import Program
from runner_agent.agents.start import AgentStart
from runner_agent.config import Config
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.jail.environment import environment
from runner_agent.messages import CommandError, Progress
from runner_agent.places import Places, places_of
from runner_agent.pods import furnishing, setting_up
from runner_agent.pods.going_on import GoingOn
from runner_agent.pods.new_workspace import NewWorkspace
from runner_agent.pods.payloads import StartPod
from runner_agent.pods.pod_tokens import PodTokens, digest, new_token
from runner_agent.pods.records import Record, Records
from runner_agent.pods.views import Views
from runner_agent.terminals.hosts import HostError, Launch, PodHost, PodHosts
from runner_agent.workspaces import removal
from runner_agent.workspaces.workspace import Workspace, Workspaces

TEXT_MAX = 500  # characters of one line of progress

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Starting:
    config: Config
    hosts: PodHosts
    records: Records
    workspaces: Workspaces
    views: Views
    tokens: PodTokens
    agents: Agents
    tell: Tell

    @property
    def isolation(self) -> Isolation:
        return self.views.isolation

    async def start(self, wanted: StartPod) -> PodHost:
        """CommandError, and cancellation, leave no process, no directory and no record."""
        if self.config.isolation == "jail" and self.isolation.level != "jail":
            raise CommandError("no_isolation", self.isolation.problem)
        root = self._going_on.root(wanted)
        places = places_of(self.config, wanted.pod, root)
        env = environment(self.config, places, wanted.pod, wanted.env, self.tokens.url)
        if wanted.agent is None:
            wanted = replace(wanted, argv=_program(wanted.argv, env["PATH"]))
        self.hosts.starting.add(wanted.pod)
        try:
            async with AsyncExitStack() as undo:
                host = await self._start(wanted, places, root, undo)
                undo.pop_all()
        finally:
            self.hosts.starting.discard(wanted.pod)
        self._say(wanted.pod, "ready")
        return host

    async def _start(
        self, wanted: StartPod, places: Places, root: str, undo: AsyncExitStack
    ) -> PodHost:
        self._say(wanted.pod, "workspace")
        undo.push_async_callback(self._forget, wanted.pod, places)
        if not root:
            undo.push_async_callback(self._remove, places.home)
        places.make()
        if root:
            workspace = self._going_on.workspace(wanted)
        else:
            say = partial(self._say, wanted.pod, "workspace")
            new = NewWorkspace(self.records, self.workspaces, self.views)
            workspace = await new.make(places, wanted.workspace, say)
            undo.push_async_callback(self.workspaces.discard, places)
            await self._going_on.copy_home(wanted, places)
        program = await self._program(wanted)
        draft = Record(
            pod=wanted.pod,
            isolation=self.isolation.level,
            env=wanted.env,
            workspace=workspace,
            root=root,
            shown=program.paths,
            agent_version=program.version,
        )
        return await self._launch(wanted, places, program, draft, undo)

    async def _program(self, wanted: StartPod) -> Program:
        if wanted.agent is None:
            return Program()
        say = partial(self._say, wanted.pod, "agent")
        return await self.agents.provide(wanted.agent.spec, self.isolation, say)

    async def _launch(
        self,
        wanted: StartPod,
        places: Places,
        program: Program,
        draft: Record,
        undo: AsyncExitStack,
    ) -> PodHost:
        token = new_token()
        prepared = self._prepared(wanted, places, token)
        path = program.path(prepared.env.get("PATH", self.config.path))
        env = environment(
            self.config, places, wanted.pod, {**prepared.env, "PATH": path}, self.tokens.url
        )
        argv = _program(prepared.argv, env["PATH"])
        self._say(wanted.pod, "agent", " ".join(argv))
        record = replace(
            draft,
            token_digest=digest(token),
            private=tuple(str(file.path) for file in prepared.files if file.is_private),
            **_of_agent(wanted.agent),
        )
        self.records.add(
            record
        )  # before the first secret is written, so that it is found and removed
        undo.callback(furnishing.clear, self.config, places, record.private)
        furnishing.furnish(places, env["PATH"], prepared.files)
        if wanted.prompt:
            places.prompt.write_text(wanted.prompt)
        self.tokens.add(wanted.pod, record.token_digest)
        confined = confinement(places, record.workspace, record.shown)
        setup = wanted.workspace.setup if not record.root else None
        for before in setting_up.all_before(setup, prepared.before):
            say = partial(self._say, wanted.pod, before.step)
            say()
            await setting_up.run(before, confined, env, self.isolation, say)
        return await self._spawn(
            Launch(
                pod=wanted.pod,
                argv=(*self.isolation.confine(confined), *argv),
                env=env,
                cwd=record.workspace.path,
                cols=wanted.cols,
                rows=wanted.rows,
            )
        )

    def _prepared(self, wanted: StartPod, places: Places, token: str) -> Prepared:
        ours = furnishing.own_files(places, wanted.pod, token)
        if wanted.agent is None:
            return Prepared(wanted.argv, wanted.env, ours)
        start = wanted.agent.with_secret("pod_token", token)
        values = values_of(wanted.pod, places, self.tokens.url, start)
        values |= self._going_on.values(wanted)
        made = prepare(start, wanted.argv, places, values)
        lent = login.files(self.config, start, places)
        env, files = {**made.env, **wanted.env}, (*ours, *made.files, *lent)
        return replace(made, env=env, files=files)

    async def _spawn(self, launch: Launch) -> PodHost:
        """A spawn is not left half-way: cancelled, it is waited for, and what it made is ended."""
        async with asyncio.TaskGroup() as group:
            spawning = group.create_task(self._try_spawn(launch))
            try:
                made = await asyncio.shield(spawning)
            except asyncio.CancelledError:
                made = await spawning
                if isinstance(made, PodHost):
                    await made.end_within(0)
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
        self.tokens.remove(pod)
        self.hosts.forget(pod)
        await self._remove(places.pod)

    async def _remove(self, path: Path) -> None:
        await asyncio.to_thread(removal.remove, path, self.config.trash)

    @property
    def _going_on(self) -> GoingOn:
        return GoingOn(self.records, self.hosts, self.isolation)

    def _say(self, pod: str, step: str, text: str = "") -> None:
        self.tell(Progress(pod, step, text[:TEXT_MAX]))


def _of_agent(start: AgentStart | None) -> dict[str, Any]:
    """What a Record keeps of it."""
    if start is None:
        return {}
    return {"agent": start.spec, "session": start.session, "model": start.model}


def confinement(places: Places, workspace: Workspace, shown: tuple[str, ...] = ()) -> Confinement:
    """What a Pod's own processes may touch: its Workspace, its HOME and its temporary files."""
    return Confinement(
        cwd=places.workspace,
        tmp=places.tmp,
        writable=(places.workspace, places.home, places.tmp),
        readable=(
            places.files,
            *((Path(workspace.cache),) if workspace.cache else ()),
            *map(Path, shown),
        ),
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
