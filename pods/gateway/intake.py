"""Takes what a Runner says in its Session: judged at once, written down in order and in batches."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import DataError, IntegrityError

from accounts.access import system_actor
from accounts.audit import record
from pods.gateway import measures
from pods.gateway.calls import EOF
from pods.gateway.cleaning import MalformedError
from pods.gateway.hub import Hub
from pods.gateway.identity import RunnerIdentity, Standing
from pods.gateway.pool import Pool
from pods.gateway.questions import Questions
from pods.gateway.sender import WINDOW
from pods.gateway.session import Session, clock_ms
from pods.gateway.wire import decode
from pods.messages import (
    Answer,
    CommandAck,
    CommandResult,
    FromRunner,
    Heartbeat,
    InputRecorded,
    PodProgress,
    PodReport,
    Report,
    ReportReceived,
    ResultsReceived,
    RunnerHello,
    Stopping,
)
from pods.services.reports import Settled, settle
from pods.services.sessions import Attachment

logger = logging.getLogger(__name__)

LINGER_S = 0.02  # a start of an empty Workspace takes as long: it is written in one transaction
UNSETTLED = 256  # claims a Runner may be ahead of the database
UNWRITABLE = (DataError, IntegrityError, TypeError, ValueError)
FLUSH_S = 2  # for what is unsettled when the Runner has said its last


@dataclass(frozen=True, slots=True)
class Shared:
    """What all Sessions of a Gateway work with."""

    pool: Pool
    standing: Standing
    hub: Hub
    questions: Questions
    places_freed: Callable[[], None]
    trusted: Callable[[], str] = str


class Intake:
    """The reading half of one Session."""

    def __init__(
        self,
        session: Session,
        attachment: Attachment,
        who: RunnerIdentity,
        shared: Shared,
        written: Callable[[Sequence[Report]], None],
    ) -> None:
        """`written` is called with claims that are rows now."""
        self._session, self._attachment, self._who, self._shared = session, attachment, who, shared
        self._written = written
        self._unsettled: asyncio.Queue[Report] = asyncio.Queue(UNSETTLED)

    async def read(self, read: Callable[[], Awaitable[Any]]) -> None:
        """Until the Runner has said its last; what it claimed is then settled, if that takes FLUSH_S at most.

        Raises RunnerRefusedError once its certificate is no longer good.
        """
        while (event := await read()) is not EOF:
            await self._shared.standing.check(self._who)
            self._session.heard()
            try:
                message = decode(event)
            except MalformedError as malformed:
                measures.REFUSED.labels("malformed").inc()
                await self._refuse([str(malformed)])
            else:
                await self._take(message)
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await self._unsettled.join()

    async def settle(self) -> None:
        """Until cancelled. Raises StaleEpochError, SessionClosedError."""
        while True:
            batch = await self._batch()
            await self.announce(await self._settle(batch))
            self._written(batch)
            for _ in batch:
                self._unsettled.task_done()

    async def _batch(self) -> list[Report]:
        """What is here. Nobody waits for the beginnings of a start, so they wait for what follows."""
        batch = [await self._unsettled.get()]
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while _begins(batch[-1]):
                    batch.append(await self._unsettled.get())
        while not self._unsettled.empty():
            batch.append(self._unsettled.get_nowait())
        return batch

    async def announce(self, settled: Settled) -> None:
        """What follows from claims that are committed."""
        if settled.has_freed:
            self._shared.places_freed()
        if settled.refused:
            measures.REFUSED.labels("claim").inc(len(settled.refused))
            await self._refuse(settled.refused)
        if settled.results:
            await self._session.send(ResultsReceived(tuple(settled.results)))
        if settled.typed:
            await self._session.send(InputRecorded(tuple(settled.typed)))
        for pod in settled.ends:
            await self._session.send(ReportReceived(pod))

    async def _take(self, message: FromRunner) -> None:
        match message:
            case Heartbeat():
                await self._session.hear(message)
            case Answer():
                self._shared.questions.answered(self._session.runner_id, message)
            case Stopping():
                logger.info("Runner %s stops: %s", self._session.runner_id, message.text)
            case RunnerHello():
                measures.REFUSED.labels("claim").inc()
                await self._refuse(["a second hello"])
            case CommandAck(id=id_) | CommandResult(id=id_):
                self._is_in_ledger(id_)
                await self._unsettled.put(message)
            case PodReport(pod, "running"):
                # whoever looks at it is shown its first bytes before its row is written
                self._shared.hub.started(self._session.runner_id, pod)
                await self._unsettled.put(message)
            case _:
                await self._unsettled.put(message)

    def _is_in_ledger(self, command_id: str) -> None:
        was_full = len(self._session.in_flight) >= WINDOW
        queued_at_ms = self._session.in_flight.pop(command_id, 0)
        if queued_at_ms:
            measures.DISPATCH.observe(max(0, clock_ms() - queued_at_ms) / 1000)
        if was_full:
            self._session.wake()

    async def _settle(self, batch: Sequence[Report]) -> Settled:
        try:
            return await self._shared.pool.run(settle, self._attachment, batch)
        except UNWRITABLE:
            return await self._settle_one_by_one(batch)

    async def _settle_one_by_one(self, batch: Sequence[Report]) -> Settled:
        """A claim that cannot be written must not take the others with it."""
        settled = Settled()
        for claim in batch:
            try:
                settled.add(await self._shared.pool.run(settle, self._attachment, [claim]))
            except UNWRITABLE:
                logger.exception("a claim of Runner %s", self._session.runner_id)
                settled.refused.append(f"a {type(claim).__name__} that cannot be written")
        return settled

    async def _refuse(self, reasons: list[str]) -> None:
        """Counted, and put on record once a Session: an honest Runner never gets here."""
        is_first = self._session.refused == 0
        self._session.refused += len(reasons)
        if is_first:
            logger.warning("Runner %s claimed: %s", self._session.runner_id, reasons[0])
            await self._shared.pool.run(_record_refusal, self._attachment, reasons[0])


def _begins(claim: Report) -> bool:
    """Whether more will follow at once, as a rule."""
    match claim:
        case CommandAck() | PodProgress() | PodReport(_, "running"):
            return True
    return False


def _record_refusal(attachment: Attachment, reason: str) -> None:
    actor = system_actor(attachment.organization_id)
    record(
        actor, "runner.refused_claim", attachment.name, runner=attachment.runner_id, claim=reason
    )
