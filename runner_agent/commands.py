"""Commands, done once each: the ledger before the act, and the result from the ledger when one comes again.

Lifecycle Commands of one Pod are done in order, Pods side by side. An execute holds nothing up. A terminate overtakes:
it ends a start and executes of its Pod that are under way.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from runner_agent.ledger import Ledger
from runner_agent.messages import Command, CommandError, CommandResult
from runner_agent.outbox import Outbox

RECEIVED_AHEAD = 256  # Commands the Session may be ahead of the ledger
ONE_COMMIT = 64  # Commands written to the ledger at once
EXECUTES_AT_ONCE = 32  # processes that executes may have on this machine
RESULT_MAX = 64 * 1024  # bytes of a result's JSON; larger ones would hold up the Session

LIFECYCLE = frozenset({"start", "terminate"})
KINDS = LIFECYCLE | {"execute"}

logger = logging.getLogger(__name__)


class Supervisor(Protocol):
    async def do(self, command: Command) -> dict[str, Any]:
        """The result, or CommandError. When cancelled it leaves nothing half-made behind."""

    async def evidence(self, command: Command) -> dict[str, Any] | None:
        """After a crash: the result of a start or terminate that is provably done, else None."""


@dataclass(frozen=True, slots=True)
class _Job:
    command: Command
    deadline: float | None  # by the loop's clock


@dataclass(slots=True)
class _Lane:
    """One Pod's Commands."""

    waiting: deque[_Job] = field(
        default_factory=deque
    )  # lifecycle, bounded by what the server sends
    doing: dict[str, tuple[Command, asyncio.Task[CommandResult]]] = field(default_factory=dict)
    worked: bool = False

    @property
    def empty(self) -> bool:
        return not (self.waiting or self.doing or self.worked)


class Commands:
    def __init__(self, ledger: Ledger, supervisor: Supervisor, outbox: Outbox) -> None:
        self._ledger, self._supervisor, self._outbox = ledger, supervisor, outbox
        self._received: asyncio.Queue[_Job] = asyncio.Queue(RECEIVED_AHEAD)
        self._lanes: dict[str, _Lane] = {}
        self._cut_short: dict[str, tuple[str, str]] = {}  # why a Command was cancelled
        self._executes = asyncio.Semaphore(EXECUTES_AT_ONCE)
        self._changed = asyncio.Condition()
        self._stopping = False

    async def receive(self, command: Command) -> None:
        """Take a Command from the Session; waits while too many are ahead of the ledger."""
        deadline = None
        if command.expires_in_s is not None:
            deadline = asyncio.get_running_loop().time() + command.expires_in_s
        await self._received.put(_Job(command, deadline))

    async def run(self) -> None:
        """Do what comes, until cancelled. What a crash interrupted is judged first."""
        async with asyncio.TaskGroup() as group:
            await self._recover(group)
            while True:
                await self._intake(group, await self._batch())
