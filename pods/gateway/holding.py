"""One Session from its welcome to its goodbye: the jobs that share it, and how it ends."""

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, NoReturn

import grpc

from pods import toolbox
from pods.gateway import measures, wire
from pods.gateway.calls import Context, abort
from pods.gateway.glances import Glances
from pods.gateway.identity import RunnerIdentity
from pods.gateway.intake import Intake, Shared
from pods.gateway.sender import send_commands
from pods.gateway.session import Session, SessionClosedError, clock_ms
from pods.messages import Goodbye, PartingReason, RunnerHello, ToRunner, Welcome
from pods.services import releases
from pods.services.reports import take_inventory
from pods.services.sessions import Attachment, RunnerRefusedError, StaleEpochError, heard
from pods.together import until_one_ends

logger = logging.getLogger(__name__)

_CODES: dict[PartingReason, grpc.StatusCode] = {
    "draining": grpc.StatusCode.UNAVAILABLE,
    "silent": grpc.StatusCode.UNAVAILABLE,
    "expired": grpc.StatusCode.UNAVAILABLE,
    "superseded": grpc.StatusCode.ABORTED,
    "revoked": grpc.StatusCode.PERMISSION_DENIED,
    "disabled": grpc.StatusCode.PERMISSION_DENIED,
    "protocol": grpc.StatusCode.FAILED_PRECONDITION,
}


async def part(context: Context, goodbye: Goodbye) -> NoReturn:
    """Say it and end the call; for a Runner that gets no Session."""
    await context.write(wire.encode(goodbye))
    await end(context, goodbye)


async def end(context: Context, goodbye: Goodbye) -> NoReturn:
    await abort(context, _CODES[goodbye.reason], goodbye.text)


class Holding:
    def __init__(
        self, session: Session, attachment: Attachment, shared: Shared, protocol: int
    ) -> None:
        self._session, self._attachment, self._shared = session, attachment, shared
        self._protocol = protocol
        who = RunnerIdentity(session.runner_id, session.serial)
        self._glances = Glances(session, shared)
        self._intake = Intake(session, attachment, who, shared, self._glances.after)

    async def run(self, hello: RunnerHello, context: Context) -> None:
        """Until the Runner has said its last, or the Session is closed and the goodbye is said."""
        await self._welcome()
        jobs = (
            self._work(hello),
            self._intake.read(context.read),
            self._intake.settle(),
            self._glances.run(),
            self._session.beat(self._record_heard, self._shared.trusted),
        )
        await until_one_ends(
            self._session.write(partial(_write, context)),
            self._session.listen_for_silence(),
            *(self._guarded(job) for job in jobs),
        )

    async def _welcome(self) -> None:
        """The first word to it, before any job can say another."""
        session, name = self._session, self._attachment.name
        key = await self._shared.pool.run(releases.public_key)
        await session.send(
            Welcome(session.epoch, self._protocol, clock_ms(), name, toolbox.listing(), key)
        )

    async def _work(self, hello: RunnerHello) -> None:
        """Compare what it has with the rows, and only then send what is queued."""
        session, pool = self._session, self._shared.pool
        await self._intake.announce(await pool.run(take_inventory, self._attachment, hello))
        self._shared.places_freed()
        session.wake()
        await send_commands(session, self._attachment, pool)

    async def _record_heard(self) -> None:
        await self._shared.pool.run(
            heard,
            self._attachment,
            round_trip_ms=self._session.round_trip_ms,
            clock_offset_ms=self._session.clock_offset_ms,
            unacknowledged_bytes=self._session.unacknowledged_bytes,
        )

    async def _guarded(self, job: Coroutine[Any, Any, None]) -> None:
        """Whatever ends a job closes the Session with a word; the end of the Runner's own words ends it at once."""
        try:
            await job
        except SessionClosedError:
            pass  # somebody else closed it
        except StaleEpochError:
            measures.REFUSED.labels("stale").inc()
            self._session.supersede()
        except RunnerRefusedError as refused:
            self._session.close(refused.reason, refused.message)
        except Exception:
            logger.exception("the Session of Runner %s", self._session.runner_id)
            self._session.close("draining", "This gateway failed. Dial again.")
        else:
            return
        await asyncio.Event().wait()  # the writer says the goodbye, and that ends the Session


async def _write(context: Context, message: ToRunner) -> None:
    await context.write(wire.encode(message))
