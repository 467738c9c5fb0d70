"""Commands, done once each: the ledger before the act, and the result from the ledger when one comes again.

Lifecycle Commands of one Pod are done in order, Pods side by side. An execute holds nothing up, nor does a prompt, which
may wait for its agent for days. A terminate overtakes: it ends what else is under way for its Pod.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from runner_agent import logs
from runner_agent.errors import why_broke
from runner_agent.ledger import Ledger
from runner_agent.messages import Command, CommandError, CommandResult
from runner_agent.outbox import Outbox
from runner_agent.results import fit
from runner_agent.together import until

RECEIVED_AHEAD = 256  # Commands the Session may be ahead of the ledger
ONE_COMMIT = 64  # Commands written to the ledger at once
EXECUTES_AT_ONCE = 32  # processes that executes may have on this machine

LIFECYCLE = frozenset({"start", "terminate"})
PATIENT = frozenset({"prompt", "update"})  # may wait for days, and hold up no end of the daemon
KEEPING = frozenset({"snapshot", "remove", "restore"})  # of Workspaces
KINDS = LIFECYCLE | PATIENT | KEEPING | {"execute", "answer", "interrupt", "commit", "push"}
REPEATABLE = PATIENT | KEEPING | {"terminate"}
"""Begun again after a restart: ending a Pod twice does no harm, of a text the Pod host types each byte once, an update
goes on where it was, and what was removed or restored is so already."""
NOT_HELD = REPEATABLE | {"answer", "interrupt"}

_TERMINATED = ("terminated", "The Pod was terminated before this was done.")
_POD_ENDED = ("pod_ended", "The Pod was terminated before this was typed.")
_STOPPING = ("runner_stopping", "The Runner was stopped before this was done. Ask again.")
_INTERRUPTED = ("interrupted", "This was given up by the Runner.")

logger = logging.getLogger(__name__)


class Supervisor(Protocol):
    async def do(self, command: Command) -> dict[str, Any]:
        """The result, or CommandError. When cancelled it leaves nothing half-made behind."""

    async def evidence(self, command: Command) -> dict[str, Any] | None:
        """After a crash: the result of a start or terminate that is provably done, else None."""

    def came_again(self, command: Command) -> None:
        """It was done long ago: an older database was put back, which may not know what followed."""


@dataclass(frozen=True, slots=True)
class _Job:
    command: Command
    deadline: float | None = None  # by the loop's clock


@dataclass(slots=True)
class _Lane:
    """One Pod's Commands."""

    waiting: deque[_Job] = field(default_factory=deque)  # lifecycle, in order
    doing: dict[str, tuple[Command, asyncio.Task[CommandResult]]] = field(default_factory=dict)
    worked: bool = False  # a task takes from `waiting`


class Commands:
    def __init__(self, ledger: Ledger, supervisor: Supervisor, outbox: Outbox) -> None:
        self._ledger, self._supervisor, self._outbox = ledger, supervisor, outbox
        self._received: asyncio.Queue[_Job] = asyncio.Queue(RECEIVED_AHEAD)
        self._lanes: dict[str, _Lane] = {}
        self._cut_short: dict[str, tuple[str, str]] = {}  # Command id: code and sentence
        self._executes = asyncio.Semaphore(EXECUTES_AT_ONCE)
        self._changed = asyncio.Event()
        self._stopping = False
        self._held: list[_Job] | None = None
        self._ahead = 0  # received, and not in the ledger
        self._group: asyncio.TaskGroup

    async def receive(self, command: Command) -> None:
        """Take a Command from the Session; waits while too many are ahead of the ledger."""
        if self._stopping:
            return  # not acknowledged: the server sends it again when the Runner is back
        deadline = None
        if command.expires_in_s is not None:
            deadline = asyncio.get_running_loop().time() + command.expires_in_s
        if self._held is not None and command.kind not in NOT_HELD:
            self._held.append(_Job(command, deadline))  # at most what is sent without an ack
        else:
            self._ahead += 1
            await self._received.put(_Job(command, deadline))

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Inside, what comes anew waits: not acknowledged, so that it is sent again should this process end."""
        self._held = []
        try:
            yield
        finally:
            waiting, self._held = self._held, None
            self._ahead += len(waiting)
            for job in waiting:
                await self._received.put(job)

    async def quiet(self) -> None:
        """Until nothing is under way that an end of the daemon would cut short."""
        await until(self._changed, lambda: not (self._ahead or any(self._cuttable())))

    async def run(self) -> None:
        """Do what comes, until cancelled. What a crash interrupted is judged first."""
        async with asyncio.TaskGroup() as self._group:
            await self._recover()
            while True:
                batch = await self._batch()
                await self._take(batch)
                self._ahead -= len(batch)
                self._changed.set()

    async def stop(self, patience_s: float) -> None:
        """Take no more, give what is under way `patience_s`, then cut starts and executes short.

        A terminate or a prompt that is not done by then is done when the Runner is back.
        """
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await until(self._changed, lambda: not any(self._unfinished()))
        for lane in self._lanes.values():
            self._cut(lane, _STOPPING)
        await until(self._changed, lambda: not any(self._cuttable()))

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Ids of the Commands taken and not done."""
        waiting = (job.command.id for lane in self._lanes.values() for job in lane.waiting)
        doing = (id_ for lane in self._lanes.values() for id_ in lane.doing)
        return (*doing, *waiting)

    # ---- in

    async def _batch(self) -> list[_Job]:
        batch = [await self._received.get()]
        while len(batch) < ONE_COMMIT and not self._received.empty():
            batch.append(self._received.get_nowait())
        return batch

    async def _take(self, batch: list[_Job]) -> None:
        are_new = await self._ledger.take([job.command for job in batch])
        for job, is_new in zip(batch, are_new, strict=True):
            self._outbox.ack(job.command.id)
            if is_new:
                self._begin(job)
            elif result := await self._ledger.result_of(job.command.id):
                self._outbox.result(result)
                self._supervisor.came_again(job.command)

    async def _recover(self) -> None:
        for result in await self._ledger.unconfirmed():
            self._outbox.result(result)
        for command in await self._ledger.unfinished():
            known = command.kind in LIFECYCLE
            proof = await self._supervisor.evidence(command) if known else None
            if proof is not None:
                await self._settle(CommandResult(command.id, "done", proof))
            elif command.kind in REPEATABLE:
                self._begin(_Job(command))
            else:
                await self._settle(_failed(command, "runner_died", _died(command), "unknown"))

    def _begin(self, job: _Job) -> None:
        lane = self._lanes.setdefault(job.command.pod, _Lane())
        if job.command.kind == "terminate":
            self._cut(lane, _TERMINATED)
            self._cut_prompts(lane)
        if job.command.kind not in LIFECYCLE:
            task = self._launch(lane, job)
            self._group.create_task(self._finish(lane, job.command, task))
            return
        lane.waiting.append(job)
        if not lane.worked:
            lane.worked = True
            self._group.create_task(self._work(lane))

    # ---- doing

    async def _work(self, lane: _Lane) -> None:
        while lane.waiting:
            job = lane.waiting.popleft()
            await self._finish(lane, job.command, self._launch(lane, job))
        lane.worked = False
        self._sweep()

    def _launch(self, lane: _Lane, job: _Job) -> asyncio.Task[CommandResult]:
        trace = logs.tracing(job.command.trace)
        task = self._group.create_task(self._attempt(lane, job), context=trace)
        lane.doing[job.command.id] = job.command, task
        return task

    async def _finish(
        self, lane: _Lane, command: Command, task: asyncio.Task[CommandResult]
    ) -> None:
        await asyncio.wait([task])
        if task.cancelled():
            result = _failed(command, *self._cut_short.get(command.id, _INTERRUPTED))
        else:
            result = task.result()
        await self._settle(result, command.trace)
        del lane.doing[command.id]
        self._cut_short.pop(command.id, None)
        self._sweep()

    async def _attempt(self, lane: _Lane, job: _Job) -> CommandResult:
        command = job.command
        logger.info("command %s: %s %s", command.id, command.kind, command.pod)
        try:
            if command.kind == "prompt":  # it may have come together with the start
                await until(self._changed, lambda: not lane.worked)
            async with self._room_for(command):
                self._check_wanted(job)
                result = fit(await self._supervisor.do(command))
        except CommandError as error:
            state = "expired" if error.code == "expired" else "failed"
            failed = _failed(command, error.code, error.message, state)
            return replace(failed, result=fit(error.told))
        except Exception as error:
            logger.exception("command %s (%s, pod %s) broke", command.id, command.kind, command.pod)
            return _failed(command, *why_broke(error))
        return CommandResult(command.id, "done", result)

    def _check_wanted(self, job: _Job) -> None:
        if why := self._cut_short.get(job.command.id):
            raise CommandError(*why)
        if job.deadline is not None and asyncio.get_running_loop().time() >= job.deadline:
            raise CommandError("expired", "Its time was up before it was begun.")

    def _room_for(self, command: Command) -> contextlib.AbstractAsyncContextManager[None]:
        if command.kind not in KINDS:
            raise CommandError(
                "unknown_kind", f"This Runner does not know {command.kind!r}. Update it."
            )
        return self._executes if command.kind == "execute" else contextlib.nullcontext()

    async def _settle(self, result: CommandResult, trace: str = "") -> None:
        await self._ledger.settle(result)
        self._outbox.result(result)
        told = ("command %s %s %s", result.id, result.state, result.error)
        logs.tracing(trace).run(logger.info, *told)

    # ---- cutting short

    def _cut(self, lane: _Lane, why: tuple[str, str]) -> None:
        """End what is under way, and keep what waits from beginning; terminates go on."""
        for job in lane.waiting:
            if job.command.kind not in REPEATABLE:
                self._cut_short[job.command.id] = why
        for command, task in lane.doing.values():
            if command.kind not in REPEATABLE and not task.done():
                self._cut_short[command.id] = why
                task.cancel()

    def _cut_prompts(self, lane: _Lane) -> None:
        for command, task in lane.doing.values():
            if command.kind == "prompt" and not task.done():
                self._cut_short[command.id] = _POD_ENDED
                task.cancel()

    def _unfinished(self) -> Iterator[Command]:
        """What a stop waits for."""
        for lane in self._lanes.values():
            yield from (job.command for job in lane.waiting)
            yield from (c for c, _ in lane.doing.values() if c.kind not in PATIENT)

    def _cuttable(self) -> Iterator[Command]:
        for lane in self._lanes.values():
            yield from (job.command for job in lane.waiting if job.command.kind not in REPEATABLE)
            yield from (c for c, _ in lane.doing.values() if c.kind not in REPEATABLE)

    def _sweep(self) -> None:
        busy = {
            p: lane for p, lane in self._lanes.items() if lane.waiting or lane.doing or lane.worked
        }
        self._lanes = busy
        self._changed.set()


def _failed(command: Command, code: str, sentence: str, state: str = "failed") -> CommandResult:
    return CommandResult(command.id, state, error_code=code, error=sentence)


def _died(command: Command) -> str:
    return f"The Runner died while it did this {command.kind}; whether it was done is not known."
