"""The way to the server: one Session after the other, for as long as the server wants this Runner."""

import asyncio
import contextlib
import logging
from itertools import cycle
from typing import Any

import grpc
from grpc import aio

from runner_agent.config import Config
from runner_agent.errors import FinalError
from runner_agent.link import renewal, terminal_stream
from runner_agent.link.attach import Attached, AttachError, Ended, attach
from runner_agent.link.backoff import Backoff
from runner_agent.link.enroll import AwayError, EnrollError
from runner_agent.link.identity import Identity, IdentityError, pin_release_key
from runner_agent.link.periods import Periods
from runner_agent.link.session import Runner, Session
from runner_agent.link.status import Status
from runner_agent.link.terminal_stream import Feeds
from runner_agent.session_messages import Goodbye
from runner_agent.together import until, until_one_ends

FINAL = frozenset({"revoked", "disabled", "protocol"})

_PASSING = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)

logger = logging.getLogger(__name__)


def is_passing(code: grpc.StatusCode) -> bool:
    """Whether dialling again may help. The one place that decides it; what is not passing is said aloud."""
    return code in _PASSING


class RefusedError(FinalError):
    """The server does not want this Runner, or its certificate has expired: asking again does not help."""


class Link:
    def __init__(
        self,
        config: Config,
        identity: Identity,
        runner: Runner,
        feeds: Feeds,
        status: Status,
        periods: Periods = Periods(),  # noqa: B008 - frozen
    ) -> None:
        self._config, self._identity, self._runner = config, identity, runner
        self._feeds, self._status, self._periods = feeds, status, periods
        self._gateways = cycle(config.gateways)
        self._backoff = Backoff()
        self._next: Attached | None = None  # with a new certificate, before the old Session is left
        self._renewed_for = ""  # what the server said of its authorities then
        self._leaving = False
        self._serving: Attached | None = None
        self._changed = asyncio.Event()

    @property
    def live(self) -> bool:
        """A Session is up."""
        return self._serving is not None

    async def attached(self) -> None:
        """Wait until a Session is up."""
        await until(self._changed, lambda: self.live)

    async def stub(self, within_s: float) -> Any:
        """RunnerLinkStub of the live connection, waited for that long; None without one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await until(self._changed, lambda: self.live)
        return self._serving.stub if self._serving else None

    async def run(self) -> None:
        """Until left or cancelled. Raises RefusedError."""
        self._status.note("dialling")
        while True:
            ended = await self._attach_and_serve()
            if self._leaving:
                return
            delay = self._pause_after(ended)
            logger.info("%s Dialling again in %.1f s.", ended.text, delay)
            self._status.note("dialling", ended.text)
            await asyncio.sleep(delay)

    async def leave(self) -> None:
        """Say what is unsaid and goodbye, and wait until the Session has ended; dial no more."""
        self._leaving = True
        if self.live:
            self._runner.outbox.goodbye(Goodbye("stopping", "This Runner stops; its Pods go on."))
            await until(self._changed, lambda: not self.live)

    async def _attach_and_serve(self) -> Ended:
        if ended := await self._renew_expired():
            return ended
        gateway = next(self._gateways)
        try:
            self._next = await attach(gateway, self._identity, await self._runner.hello())
        except AttachError as error:
            return Ended(f"{gateway}: {error}", error.ended.goodbye, error.ended.code)
        ended = Ended("")
        try:
            while attached := self._next:
                self._next = None
                ended = await self._serve(attached)
        except* Exception:
            logger.exception("the Session failed")
            ended = Ended("The Session failed.")
        finally:
            if self._next:
                await self._next.close()
        return ended

    async def _serve(self, attached: Attached) -> Ended:
        welcome, began = attached.welcome, asyncio.get_running_loop().time()
        logger.info("attached to %s as %s", attached.gateway, welcome.runner_name)
        self._status.note("attached", gateway=attached.gateway, epoch=welcome.epoch)
        session = Session(attached, self._runner, self._periods, self._feeds.unacknowledged)
        self._runner.offered(welcome.tools)
        pin_release_key(self._config, welcome.release_key)
        self._serving = attached
        self._changed.set()
        try:
            return await session.serve(
                terminal_stream.keep_open(attached, self._feeds),
                self._renew(attached, session),
            )
        finally:
            self._serving = None
            self._changed.set()
            self._backoff.held(asyncio.get_running_loop().time() - began)
            await attached.close()

    async def _renew(self, attached: Attached, session: Session) -> None:
        """The next certificate in time, and a Session with it before this one is left."""
        while True:
            await until_one_ends(
                renewal.until_due(self._identity),
                until(session.heard_whom, lambda: self._trusts_others_than(session)),
            )
            self._renewed_for = session.trusted
            try:
                self._identity = await renewal.renew(self._config, attached.stub, self._identity)
                with session.being_replaced():
                    hello = await self._runner.hello()
                    self._next = await attach(attached.gateway, self._identity, hello)
            except (aio.AioRpcError, IdentityError, AttachError) as error:
                logger.warning("the certificate is not renewed yet: %s", error)
                await asyncio.sleep(self._periods.renew_again)
            else:
                return

    def _trusts_others_than(self, session: Session) -> bool:
        """Once for each word of the server: should it tell of others than it then gives, that is not our matter."""
        return session.trusted not in {"", self._identity.trusted, self._renewed_for}

    def _pause_after(self, ended: Ended) -> float:
        """Seconds to stay away. Raises RefusedError."""
        reason = ended.goodbye.reason if ended.goodbye else ""
        if reason in FINAL or not is_passing(ended.code or grpc.StatusCode.OK):
            raise RefusedError(ended.text)
        return self._periods.superseded if reason == "superseded" else self._backoff.next()

    async def _renew_expired(self) -> Ended | None:
        """None: the certificate is good, or is so again. Raises RefusedError."""
        if not self._is_expired():
            return None
        old, refusal = self._identity, ""
        try:
            self._identity = await asyncio.to_thread(renewal.renew_expired, self._config, old)
        except AwayError as away:
            return Ended(f"The certificate expired on {old.not_after:%Y-%m-%d}. {away}")
        except (EnrollError, IdentityError) as refused:
            refusal = f" {refused}"
        if self._is_expired():
            raise RefusedError(
                f"The certificate expired on {old.not_after:%Y-%m-%d}.{refusal} Enroll again with --force"
                " and a new token; or set this machine's clock if it is wrong."
            )
        return None

    def _is_expired(self) -> bool:
        return self._identity.left(renewal.utc_now()).total_seconds() <= 0
