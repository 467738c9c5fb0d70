"""What a Gateway looks after by itself, whether or not anybody woke it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pods.gateway.identity import RunnerIdentity, Standing
from pods.gateway.pool import Pool
from pods.gateway.session import Session
from pods.gateway.sessions import Sessions
from pods.services.dispatch import Seen, look
from pods.services.placing import place_pending
from pods.services.sessions import EXPIRED

logger = logging.getLogger(__name__)

FAILED_S = 1  # before a job that failed is tried again


class Sweep:
    """One query over all held Runners: who has Commands waiting, whose Session must end."""

    def __init__(self, sessions: Sessions, standing: Standing, pool: Pool) -> None:
        self._sessions, self._standing, self._pool = sessions, standing, pool
        self.ended_at = float("-inf")  # by the loop's clock

    async def once(self) -> None:
        held = tuple(self._sessions)
        if held:
            serials = {session.runner_id: session.serial for session in held}
            seen = await self._pool.run(look, serials)
            for session in held:
                self._judge(session, seen.get(session.runner_id))
        self.ended_at = asyncio.get_running_loop().time()

    def have_all_told(self) -> None:
        """Whom the server trusts now, with a heartbeat that does not wait for its time."""
        for session in self._sessions:
            session.beats.set()

    def _judge(self, session: Session, seen: Seen | None) -> None:
        if seen is None:
            session.close("revoked", "This Runner was removed.")
        elif seen.revoked:
            session.close("revoked", "The certificate of this Runner is revoked.")
        elif seen.disabled:
            session.close("disabled", "This Runner is disabled.")
        elif seen.expired:
            session.close("expired", EXPIRED)
        elif seen.epoch != session.epoch:
            session.supersede()
        else:
            self._standing.confirm(RunnerIdentity(session.runner_id, session.serial))
            if seen.has_queued:
                session.wake()


class Placer:
    """Gives waiting Pods to Runners: one pass at a time, however often it is asked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._wanted = asyncio.Event()

    def want(self) -> None:
        self._wanted.set()

    async def once(self) -> None:
        await self._wanted.wait()
        self._wanted.clear()
        await self._pool.run(place_pending)


async def every(period_s: float, job: Callable[[], Awaitable[object]], name: str) -> None:
    """Until cancelled. A job that fails is tried again: the database may be away."""
    while True:
        try:
            await job()
        except Exception:
            logger.exception("the gateway's %s", name)
            await asyncio.sleep(FAILED_S)
        await asyncio.sleep(period_s)
