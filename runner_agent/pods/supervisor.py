"""The Pods of this Runner: started, ended, run beside, found again after a restart."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from runner_agent.agents.agents import Agents
from runner_agent.agents.watch import AgentWatch
from runner_agent.config import Config
from runner_agent.jail import confine, execute
from runner_agent.jail.confine import Isolation
from runner_agent.jail.environment import environment
from runner_agent.messages import (
    Command,
    CommandError,
    Execute,
    PodReport,
    TerminatePod,
)
from runner_agent.outbox import Outbox
from runner_agent.pods import furnishing, payloads, pod_programs, workspace_commands
from runner_agent.pods.driving import Driving
from runner_agent.pods.payloads import StartPod
from runner_agent.pods.pod_tokens import PodTokens
from runner_agent.pods.records import Record, Records
from runner_agent.pods.starting import Starting, confinement
from runner_agent.pods.views import Views
from runner_agent.pods.workspace_commands import WorkspaceCommands
from runner_agent.terminals.hosts import PodHost, PodHosts
from runner_agent.terminals.input_records import InputRecorder
from runner_agent.terminals.terminals import Terminals, UnknownPodError
from runner_agent.workspaces.workspace import Workspaces

_Job = Callable[[], Coroutine[Any, Any, None]]

logger = logging.getLogger(__name__)


class Supervisor:
    def __init__(
        self,
        config: Config,
        hosts: PodHosts,
        outbox: Outbox,
        terminals: Terminals,
        tokens: PodTokens | None = None,
        watch: AgentWatch | None = None,
    ) -> None:
        self._config, self._hosts, self._outbox = config, hosts, outbox
        self._terminals = terminals
        self.watch = watch or AgentWatch(outbox)
        self._tokens = tokens or PodTokens()
        self._records = Records(config)
        self._workspaces = Workspaces(config)
        self.agents = Agents(config)
        self._views = Views(self._records, Isolation("none", "not tried yet"))
        self._group: asyncio.TaskGroup
        self._input = InputRecorder(outbox)
        self._driving = Driving(hosts, self._records, terminals, outbox, self.watch)
        self._beside: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Find the Pods of before, then watch over all as long as this is open. Leaving it harms no Pod."""
        isolation = self._views.isolation = await confine.detect(self._config)
        logger.info("isolation: %s %s", isolation.level, isolation.problem)
        pod_programs.write(self._config)
        self._records.load()
        adopted = await self._hosts.adopt()
        await asyncio.to_thread(self._clear_unborn)
        async with asyncio.TaskGroup() as self._group:
            self._do_beside(self._driving.usage.keep, "usage")
            for host in adopted:
                self._attend(host)
            try:
                yield
            finally:
                self._input.close_all()
                for task in self._beside:
                    task.cancel()

    def _clear_unborn(self) -> None:
        """Pods whose start a crash cut short have no host, and perhaps secrets."""
        for record in self._records:
            if self._hosts.get(record.pod) is None:
                furnishing.clear(self._config, self._records.places(record.pod), record.private)

    @property
    def isolation(self) -> str:
        return self._views.isolation.level

    # ---- Commands

    async def do(self, command: Command) -> dict[str, Any]:
        """The result; CommandError when it cannot be done. Cancelled, it leaves nothing half-made behind."""
        match command.kind:
            case "start":
                return await self._start(payloads.start_of(command))
            case "terminate":
                return await self._terminate(payloads.terminate_of(command))
            case "execute":
                return await self._execute(payloads.execute_of(command))
            case "prompt" | "answer" | "interrupt":
                return await self._driving.do(command)
            case kind if kind in workspace_commands.KINDS:
                return await self._on_workspaces.do(command)
        raise CommandError(
            "unknown_kind", f"This Runner does not know {command.kind!r}. Update it."
        )

    async def evidence(self, command: Command) -> dict[str, Any] | None:
        """After a crash: the result of a start or terminate that is provably done."""
        host = self._hosts.get(command.pod)
        record = self._records.get(command.pod)
        if command.kind == "start" and host and record:
            return _started(host, record)
        if command.kind == "terminate" and host and not host.running:
            return {"exit_code": host.exit_code}
        return None

    def came_again(self, command: Command) -> None:
        """A start that was done: should its Pod have ended since, that is told once more."""
        host = self._hosts.get(command.pod)
        if command.kind == "start" and host and not host.running:
            self._outbox.report(self._report(host))

    async def _start(self, wanted: StartPod) -> dict[str, Any]:
        host, record = self._hosts.get(wanted.pod), self._records.get(wanted.pod)
        if host and not record:
            raise CommandError("pod_exists", f"There is a Pod {wanted.pod} of unknown make here.")
        if not host:
            host = await Starting(
                config=self._config,
                hosts=self._hosts,
                records=self._records,
                workspaces=self._workspaces,
                views=self._views,
                tokens=self._tokens,
                agents=self.agents,
                tell=self._outbox.progress,
            ).start(wanted)
            record = self._records.get(wanted.pod)
            self._attend(host)
            self._outbox.report(PodReport(wanted.pod, "running", end_offset=host.end))
            if record:
                spare = partial(self._workspaces.make_spare, record.workspace)
                self._do_beside(spare, f"spare tree of {wanted.pod}")
        assert record is not None  # noqa: S101 - written before the host is spawned
        return _started(host, record)

    async def _terminate(self, wanted: TerminatePod) -> dict[str, Any]:
        """Done when no process of the Pod is left. A Pod that is not here has none."""
        host = self._hosts.get(wanted.pod)
        if host is None:
            return {"exit_code": None}
        return {"exit_code": await host.end_within(wanted.grace_s)}

    async def _execute(self, wanted: Execute) -> dict[str, Any]:
        host, record = self._hosts.get(wanted.pod), self._records.get(wanted.pod)
        if host is None or record is None:
            raise CommandError("unknown_pod", f"There is no Pod {wanted.pod} on this Runner.")
        if not host.running:
            raise CommandError("pod_ended", f"Pod {wanted.pod} has ended: nothing can run in it.")
        places = self._records.places(wanted.pod)
        prefix = self._views.isolation.confine(confinement(places, record.workspace, record.shown))
        env = environment(self._config, places, wanted.pod, record.env, self._tokens.url)
        try:
            finished = await execute.run(
                (*prefix, *wanted.argv), cwd=places.workspace, env=env, timeout_s=wanted.timeout_s
            )
        except OSError as error:
            raise CommandError(
                "not_started", f"{wanted.argv[0]} cannot be run: {error.strerror}."
            ) from error
        return finished.told()

    # ---- What is known about Pods

    def reports(self) -> list[PodReport]:
        """For the hello: every Pod whose end the server has not confirmed; without screens."""
        return [self._report(host) for host in self._hosts if not self._is_over(host)]

    def forget(self, pod: str) -> None:
        """The server has committed its end: it is not reported again. Its files stay."""
        self._records.confirm(pod)

    def record(self, pod: str) -> Record | None:
        return self._records.get(pod)

    @property
    def views(self) -> Views:
        """Of the Pods' repositories."""
        return self._views

    def prune(self) -> None:
        """Let go of removed Workspaces that were kept long enough."""
        for root in self._on_workspaces.trash.prune():
            logger.info("the removed Workspace of pod %s is gone for good", root)

    @property
    def _on_workspaces(self) -> WorkspaceCommands:
        return WorkspaceCommands(
            config=self._config,
            hosts=self._hosts,
            records=self._records,
            workspaces=self._workspaces,
            views=self._views,
            tools_url=self._tokens.url,
        )

    def close_bursts(self) -> None:
        """Tell now what was typed last."""
        self._input.close_all()

    # ---- Watching over Pods

    def _attend(self, host: PodHost) -> None:
        if not self._is_over(host):
            self._do_beside(partial(self._until_ended, host), f"watch {host.pod}")
        self._input.attend(host)
        places, record = self._records.places(host.pod), self._records.get(host.pod)
        if host.running and record and record.token_digest:
            self._tokens.add(host.pod, record.token_digest)
        if host.running:
            self._driving.attend(host)
        if host.running and places.prompt.exists():
            self._do_beside(partial(self._driving.type_first, host), f"prompt {host.pod}")

    def _do_beside(self, job: _Job, name: str) -> None:
        task = self._group.create_task(_logging_failure(job, name), name=name)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _until_ended(self, host: PodHost) -> None:
        await host.ended()
        self._tokens.remove(host.pod)
        self._driving.ended(host.pod)
        if record := self._records.get(host.pod):
            places = self._records.places(host.pod)
            await asyncio.to_thread(furnishing.clear, self._config, places, record.private)
        self._outbox.report(self._report(host, await self._last_screen(host)))
        if record:
            await self._on_workspaces.keep_at_end(record)

    async def _last_screen(self, host: PodHost) -> dict[str, Any] | None:
        try:
            return await self._terminals.screen(host.pod)
        except UnknownPodError:
            return None

    def _is_over(self, host: PodHost) -> bool:
        return self._records.is_confirmed(host.pod)

    def _report(self, host: PodHost, screen: dict[str, Any] | None = None) -> PodReport:
        if host.lost:
            why = f"It is lost: {host.reason}."
            return PodReport(host.pod, "lost", end_offset=host.end, reason=why)
        return PodReport(
            host.pod,
            "running" if host.running else "ended",
            exit_code=host.exit_code or 0,
            end_offset=host.end,
            asked=host.asked,
            screen=screen,
        )


def _started(host: PodHost, record: Record) -> dict[str, Any]:
    return {
        "pid": host.pid,
        "isolation": record.isolation,
        "workspace": record.workspace.told(),
        "token_digest": record.token_digest,
        "agent_version": record.agent_version,
    }


async def _logging_failure(job: _Job, name: str) -> None:
    try:
        await job()
    except Exception:
        logger.exception("%s broke", name)
