"""The Runner's daemon: builds the parts, keeps them side by side, and leaves in order.

Pods live in their own hosts: none of them notices that the daemon stops, dies or starts.
"""

import asyncio
import contextlib
import dataclasses
import importlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator

from runner_agent import __version__, machine
from runner_agent.agents import available
from runner_agent.agents.watch import AgentWatch
from runner_agent.commands import Commands
from runner_agent.config import Config
from runner_agent.ledger import Ledger
from runner_agent.link import identity as identities
from runner_agent.link import release_stream
from runner_agent.link.link import Link, RefusedError
from runner_agent.link.screens import KeptScreens
from runner_agent.link.status import Status
from runner_agent.lock import alone
from runner_agent.messages import Answer, Command, InstalledAgent, Question
from runner_agent.outbox import Outbox
from runner_agent.pods.pod_tokens import PodTokens
from runner_agent.pods.questions import Questions
from runner_agent.pods.supervisor import Supervisor
from runner_agent.session_messages import AgentsFound, Hello
from runner_agent.terminals import template
from runner_agent.terminals.hosts import PodHosts
from runner_agent.terminals.terminals import Terminals
from runner_agent.together import until_one_ends
from runner_agent.tools.tool_calls import ToolCalls
from runner_agent.tools.tool_door import ToolDoor
from runner_agent.update import journal
from runner_agent.update.guard import Guard
from runner_agent.update.updater import Doing, Updater

LEAVE_WITHIN_S = 9.0  # an orderly stop; supervisors kill after 10
FINISH_S = 4.0  # of it, for Commands that are under way
SCREENS_S = 1.5  # of it, for the last screens
LOOK_FOR_AGENTS_S = 600.0
PRUNE_S = 86_400.0

_LOADED_LATER = ("runner_agent.terminals.screen", "runner_agent.tools.mcp_server")

logger = logging.getLogger(__name__)


def load_all() -> None:
    """Also what a start loads beside its work, because it takes a second."""
    for name in _LOADED_LATER:
        importlib.import_module(name)


async def run(config: Config, guard: Guard) -> None:
    """Until SIGTERM or SIGINT. Raises AlreadyRunningError, IdentityError, RefusedError."""
    guard.beat()
    config.prepare()
    config.releases.mkdir(
        mode=0o700, exist_ok=True
    )  # Pods' jails show it: their tools survive an update
    identity = identities.load(config)
    with alone(config):
        ledger = Ledger(config.ledger_file)
        await ledger.open()
        try:
            async with PodHosts(config) as hosts:
                await Daemon(config, hosts, ledger, guard).serve(identity)
        finally:
            await ledger.close()


class Daemon:
    """The parts, and what a Session needs of them (session.Runner)."""

    def __init__(self, config: Config, hosts: PodHosts, ledger: Ledger, guard: Guard) -> None:
        self._config, self._hosts, self._ledger = config, hosts, ledger
        self.outbox = Outbox()
        self._terminals = Terminals(hosts)
        tokens = PodTokens()
        watch = AgentWatch(self.outbox)
        self._door = ToolDoor(config, tokens, watch)
        self._supervisor = Supervisor(config, hosts, self.outbox, self._terminals, tokens, watch)
        self._questions = Questions(self._supervisor, self._terminals)
        self._guard = guard
        updater = Updater(config, guard, self, self._fetch_release, self.outbox.update_step)
        self._commands = Commands(ledger, Doing(self._supervisor, updater), self.outbox)
        self._screens = KeptScreens(hosts, self._terminals, self.outbox)
        self._status = Status(config.status_file)
        self._agents: tuple[InstalledAgent, ...] = ()
        self._refused: RefusedError | None = None
        self._link: Link | None = None

    async def serve(self, identity: identities.Identity) -> None:
        """Until a signal asks to stop. Raises RefusedError."""
        self._link = Link(self._config, identity, self, self._terminals, self._status)
        with self._door.opened():
            await self._serve(self._link)
        if self._refused:
            self._status.note("refused", str(self._refused))
            raise self._refused
        self._status.note("stopped")

    async def _serve(self, link: Link) -> None:
        async with self._supervisor.running():
            known = available.remembered(self._config)
            self._agents = await available.look(self._config) if known is None else known
            await until_one_ends(
                self._commands.run(),
                self._hold(link),
                self._screens.keep(link),
                self._door.serve(ToolCalls(link).forward),
                self._look_for_agents(),
                self._prune(),
                self._leave_when_asked(link),
                self._say_healthy(link),
            )

    # ---- for the Session

    async def hello(self) -> Hello:
        self._supervisor.watch.say_again()
        reports = self._supervisor.reports()
        for report in reports:
            if report.state != "running":
                self.outbox.report(report)  # in full after the welcome: the hello has a limit
        return Hello(
            version=__version__,
            boot_id=machine.boot_id(),
            hostname=machine.hostname(),
            os=machine.operating_system(),
            labels=self._config.labels,
            capacity=self._config.capacity,
            agents=self._agents,
            isolation=self._supervisor.isolation,
            pods=tuple(dataclasses.replace(report, screen=None) for report in reports),
            mcp_port=self._door.port,
            unfinished_commands=tuple(await self._ledger.unconfirmed_ids()),
            platform=machine.release_platform(),
            python=machine.release_python(),
        )

    def offered(self, tools: bytes) -> None:
        self._door.listing = tools

    async def command(self, command: Command) -> None:
        await self._commands.receive(command)

    async def answer(self, question: Question) -> Answer:
        return await self._questions.answer(question)

    async def report_received(self, pod: str) -> None:
        self.outbox.report_received(pod)
        self._supervisor.forget(pod)

    async def results_received(self, ids: tuple[str, ...]) -> None:
        await self._ledger.confirm(ids)
        self.outbox.results_received(ids)

    def running_pods(self) -> int:
        return sum(1 for host in self._hosts if host.exit_code is None and not host.lost)

    # ---- for an update

    def held(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._commands.held()

    async def quiet(self) -> None:
        await self._commands.quiet()

    async def drained(self) -> None:
        while living := [host for host in self._hosts if host.running]:
            await living[0].ended()

    async def silent(self) -> list[str]:
        async with asyncio.TaskGroup() as group:
            asked = {host.pod: group.create_task(host.answers()) for host in self._hosts}
        return [pod for pod, answers in asked.items() if not answers.result()]

    def _fetch_release(self, sha256: str, offset: int) -> AsyncIterator[bytes]:
        assert self._link  # noqa: S101 - Commands come by it
        return release_stream.archive(self._link, sha256, offset)

    # ---- jobs

    async def _say_healthy(self, link: Link) -> None:
        """Attached, and in touch with every Pod that the release before could reach; then new Pods are made by
        this release's code."""
        await link.attached()
        update = journal.read(self._config.update_file)
        for host in self._hosts:
            if not (update and host.pod in update.silent):
                await host.reached()
        self._guard.healthy()
        template.retire_others(self._config)
        await asyncio.Event().wait()

    async def _hold(self, link: Link) -> None:
        try:
            await link.run()
        except RefusedError as error:
            self._refused = error
            await self._commands.stop(FINISH_S)

    async def _look_for_agents(self) -> None:
        agents = self._supervisor.agents
        while True:
            agents.changed.clear()
            found = await available.look(self._config, agents.on_path)
            if found != self._agents:
                self._agents = found
                self.outbox.agents(AgentsFound(found))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_FOR_AGENTS_S):
                    await agents.changed.wait()

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_S)
            await self._ledger.prune()
            await asyncio.to_thread(self._supervisor.prune)

    async def _leave_when_asked(self, link: Link) -> None:
        asked = asyncio.Event()
        with _signals(asked):
            await asked.wait()
            logger.info("stopping; Pods go on in their hosts")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_WITHIN_S):
                    await self._commands.stop(FINISH_S)
                    self._supervisor.close_bursts()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(SCREENS_S):
                            await self._screens.tell(len(list(self._hosts)))
                    await link.leave()


@contextlib.contextmanager
def _signals(asked: asyncio.Event) -> Iterator[None]:
    loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
    for one in signals:
        loop.add_signal_handler(one, asked.set)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)
