"""The agents of this machine: found on the PATH, or installed by the Runner when a Pod needs one."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runner_agent.agents import installing, prefixes, versions
from runner_agent.agents.on_path import OnPath
from runner_agent.agents.prefixes import Installed
from runner_agent.agents.program import Program
from runner_agent.agents.spec import AgentSpec, Install
from runner_agent.config import Config
from runner_agent.jail.confine import Isolation
from runner_agent.messages import CommandError, InstalledAgent

AT_ONCE = 2  # installers; each keeps a core and the disk busy
TOLD_EVERY_S = 0.5  # lines of an installer; between them only the last is kept

Say = Callable[[str], None]


@dataclass(slots=True)
class _Turn:
    """One version of one agent: who installs it has the lock, and all hear how far it is."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hearing: list[Say] = field(default_factory=list)
    told_at: float = 0.0
    tries: int = 0
    failed: CommandError | None = None  # how the last try ended

    def say(self, line: str) -> None:
        now = time.monotonic()
        if now - self.told_at >= TOLD_EVERY_S:
            self.told_at = now
            for hear in self.hearing:
                hear(line)


class Agents:
    """`changed` is set when something was installed."""

    def __init__(self, config: Config, on_path: OnPath | None = None) -> None:
        self._config = config
        self.on_path = on_path or OnPath(config)
        self._turns: dict[tuple[str, str], _Turn] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self.changed = asyncio.Event()

    async def provide(self, spec: AgentSpec, isolation: Isolation, say: Say) -> Program:
        """The agent's program, installed if need be. CommandError agent_install_failed, agent_missing."""
        wanted = spec.install
        if not wanted.program:
            return Program()
        if found := prefixes.find(self._config, spec.slug, wanted):
            return found.as_program(self._config)
        there = await self.on_path.look(wanted.program)
        if there and _is_wanted(there.version, wanted):
            return Program(there.version)
        if wanted.kind == "none":
            raise _missing(spec, there)
        return await self._install(spec, isolation, say)

    async def _install(self, spec: AgentSpec, isolation: Isolation, say: Say) -> Program:
        key = (spec.slug, repr(spec.install))
        turn = self._turns.setdefault(key, _Turn())
        turn.hearing.append(say)
        name = f"{spec.name or spec.slug} {spec.install.version}".strip()
        say(f"installing {name}")
        try:
            installed = await self._in_turn(turn, spec, isolation)
        finally:
            turn.hearing.remove(say)
            if not turn.hearing:
                self._turns.pop(key, None)
        self.changed.set()
        return installed.as_program(self._config)

    async def _in_turn(self, turn: _Turn, spec: AgentSpec, isolation: Isolation) -> Installed:
        """A failure is told to all who waited for it; who asks afterwards has another try."""
        tries = turn.tries
        async with turn.lock:
            if turn.tries > tries and turn.failed:
                raise CommandError(turn.failed.code, turn.failed.message)
            try:
                async with self._room:
                    return await installing.install(self._config, spec, isolation, turn.say)
            except CommandError as error:
                turn.failed, turn.tries = error, turn.tries + 1
                raise


def _is_wanted(version: str, wanted: Install) -> bool:
    if version and wanted.tested and versions.is_wanted(version, wanted.tested):
        return True
    return versions.is_wanted(version, wanted.version)


def _missing(spec: AgentSpec, found: InstalledAgent | None) -> CommandError:
    there = (
        f"has the version {found.version or '?'}" if found else "is not on the PATH of this Runner"
    )
    wanted = f" {spec.install.version}" if spec.install.version else ""
    return CommandError(
        "agent_missing",
        f"{spec.install.program} {there}: install {spec.install.program}{wanted} there.",
    )
