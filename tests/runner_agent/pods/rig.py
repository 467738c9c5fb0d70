"""Start Pods, look at them, end them."""

import asyncio
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner_agent.agent_messages import AgentStatus, AgentUsage
from runner_agent.config import Config
from runner_agent.messages import Command, PodReport, Progress, Question
from runner_agent.outbox import Outbox
from runner_agent.pods.questions import Questions
from runner_agent.pods.supervisor import Supervisor
from runner_agent.terminals.hosts import PodHost, PodHosts
from runner_agent.terminals.terminals import Terminals

WITHIN_S = 20.0
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
_numbers = itertools.count(1)


def git(path: Path, *words: str) -> str:
    return subprocess.run(
        ("git", *IDENTITY, *words), cwd=path, check=True, capture_output=True, text=True
    ).stdout.strip()


def new_key() -> str:
    """Unique among the processes that share a machine's process list."""
    return f"pod-t{os.getpid()}-{next(_numbers)}"


async def until(true: Callable[[], Any]) -> Any:
    async with asyncio.timeout(WITHIN_S):
        while not (value := true()):  # noqa: ASYNC110 - of files and processes there is no news
            await asyncio.sleep(0.01)
    return value


class HeardOutbox(Outbox):
    """The real one, which also remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[PodReport] = []
        self.progresses: list[Progress] = []
        self._progressed = asyncio.Event()
        self.statuses: list[AgentStatus] = []
        self.usages: list[AgentUsage] = []

    def report(self, report: PodReport) -> None:
        self.reports.append(report)
        super().report(report)

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)
        self._progressed.set()
        super().progress(progress)

    async def says(self, step: str) -> None:
        """Wait until a start is there, and not a moment longer: then it is under way."""
        while not any(progress.step == step for progress in self.progresses):
            self._progressed.clear()
            await self._progressed.wait()

    def agent_status(self, status: AgentStatus) -> None:
        self.statuses.append(status)
        super().agent_status(status)

    def agent_usage(self, usage: AgentUsage) -> None:
        self.usages.append(usage)
        super().agent_usage(usage)


@dataclass
class Rig:
    config: Config
    hosts: PodHosts
    outbox: HeardOutbox
    terminals: Terminals
    supervisor: Supervisor
    questions: Questions
    started: list[str] = field(default_factory=list)

    async def do(self, kind: str, pod: str, **payload: Any) -> dict[str, Any]:
        return await self.supervisor.do(Command("c1", 1, kind, pod, {"pod": pod, **payload}))

    async def start(self, argv: list[str], pod: str = "", **payload: Any) -> PodHost:
        pod = pod or new_key()
        await self.do("start", pod, argv=argv, **payload)
        host = self.hosts.get(pod)
        assert host is not None
        return host

    async def ask(self, kind: str, pod: str, **args: Any) -> Any:
        return await self.questions.answer(Question("q1", kind, pod, args))

    async def shows(self, host: PodHost, text: str) -> str:
        """Wait until the Terminal has produced `text`; all it produced then."""
        end, produced = 0, b""
        async with asyncio.timeout(WITHIN_S):
            while text.encode() not in produced:
                assert host.running or host.end > end, produced.decode(errors="replace")
                end = await host.output_after(end)
                produced, _, _ = await self.terminals.output(host.pod, 0, 1 << 20)
        return produced.decode(errors="replace")

    async def type(self, host: PodHost, text: str) -> None:
        await host.input(text.encode())


@asynccontextmanager
async def supervised(config: Config) -> AsyncIterator[Rig]:
    """A supervisor at work; its Pods are ended when it leaves."""
    async with daemon(config) as rig:
        try:
            yield rig
        finally:
            living = [host for host in rig.hosts if host.running]
            for host in living:
                host.terminate(0)
            for host in living:
                await host.ended()


@asynccontextmanager
async def daemon(config: Config) -> AsyncIterator[Rig]:
    """A supervisor at work; its Pods go on when it leaves."""
    async with PodHosts(config) as hosts:
        outbox, terminals = HeardOutbox(), Terminals(hosts)
        supervisor = Supervisor(config, hosts, outbox, terminals)
        async with supervisor.running():
            yield Rig(
                config, hosts, outbox, terminals, supervisor, Questions(supervisor, terminals)
            )
