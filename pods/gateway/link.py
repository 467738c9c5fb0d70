"""The servicer that Runners dial: one Session and one Terminals stream each, over mTLS."""

import asyncio

import grpc

from pods.gateway import measures, release_door, terminals, tools, wire
from pods.gateway.calls import EOF, Context, abort
from pods.gateway.cleaning import MalformedError
from pods.gateway.holding import Holding, end, part
from pods.gateway.identity import RunnerIdentity, runner_of
from pods.gateway.intake import Shared
from pods.gateway.periods import Periods
from pods.gateway.session import Session
from pods.gateway.sessions import Sessions
from pods.messages import PROTOCOL_HIGHEST, PROTOCOL_LOWEST, FromRunner, Goodbye, RunnerHello
from pods.services import enrollment
from pods.services.sessions import Attachment, RunnerRefusedError, attach, detach
from pods.services.signing_requests import BadRequestError
from proto.mesh.v1 import runner_pb2 as pb
from proto.mesh.v1 import runner_pb2_grpc as rpc

DRAINING = "This gateway stops. Dial again."
APART_S = 0.2  # between the Runners that are sent away


class RunnerLink(rpc.RunnerLinkServicer):
    def __init__(
        self, gateway_id: str, sessions: Sessions, shared: Shared, periods: Periods
    ) -> None:
        self._gateway_id, self._sessions = gateway_id, sessions
        self._shared, self._periods = shared, periods
        self._draining = False

    async def drain(self, within: float) -> None:
        """Take no more Sessions, and end one after the other with a word: elsewhere they arrive in turn."""
        self._draining = True
        held = tuple(self._sessions)
        for session in held:
            session.close("draining", DRAINING)
            await asyncio.sleep(min(APART_S, within / len(held)))

    # ---- the Session stream

    async def Session(self, _requests: object, context: Context) -> None:  # noqa: N802
        who = await self._identify(context)
        hello = await self._hello(context)
        protocol = await self._agreed(hello, context)
        try:
            await self._shared.standing.check(who)
            attachment = await self._shared.pool.run(
                attach, who.runner_id, gateway_id=self._gateway_id, hello=hello
            )
        except RunnerRefusedError as refused:
            await part(context, Goodbye(refused.reason, refused.message))
        session = _session(who, attachment, self._periods)
        self._sessions.add(session)
        measures.SESSIONS.inc()
        if session.epoch > 1:
            measures.RECONNECTS.inc()
        if self._draining:
            session.close("draining", DRAINING)
        try:
            await Holding(session, attachment, self._shared, protocol).run(hello, context)
        finally:
            self._sessions.remove(session)
            self._shared.questions.close_of(session.runner_id)
            self._shared.standing.forget(who)
            await asyncio.shield(self._shared.pool.run(detach, attachment))
        if session.goodbye:
            await end(context, session.goodbye)

    async def _hello(self, context: Context) -> RunnerHello:
        """The first message; a call that begins with something else ends here."""
        hello: FromRunner | None = None
        try:
            async with asyncio.timeout(self._periods.hello):
                event = await context.read()
            if event is not EOF:
                hello = wire.decode(event)
        except TimeoutError:
            await abort(context, grpc.StatusCode.DEADLINE_EXCEEDED, "No hello came.")
        except MalformedError as malformed:
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, f"Bad hello: {malformed}.")
        if not isinstance(hello, RunnerHello):
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, "The first word is a hello.")
        return hello

    async def _agreed(self, hello: RunnerHello, context: Context) -> int:
        if self._draining:
            await part(context, Goodbye("draining", DRAINING))
        protocol = common_protocol(hello.speaks)
        if protocol is None:
            await part(context, Goodbye("protocol", nothing_in_common(hello.speaks)))
        return protocol

    # ---- the other calls

    async def Terminals(self, _requests: object, context: Context) -> None:  # noqa: N802
        who = await self._admit(context)
        session = self._sessions.get(who.runner_id)
        await terminals.serve(context, who.runner_id, session, self._shared.hub)

    async def SendAnswer(self, request: pb.Answer, context: Context) -> pb.Received:  # noqa: N802
        who = await self._admit(context)
        self._shared.questions.answered(who.runner_id, wire.answer(request))
        return pb.Received()

    async def CallTool(self, request: pb.ToolCall, context: Context) -> pb.ToolAnswer:  # noqa: N802
        who = await self._admit(context)
        return await tools.answer(who.runner_id, request, self._shared.pool)

    async def Renew(self, request: pb.RenewRequest, context: Context) -> pb.RenewReply:  # noqa: N802
        who = await self._admit(context)
        try:
            renewed = await self._shared.pool.run(enrollment.renew, who.runner_id, request.csr_pem)
        except RunnerRefusedError as refused:
            await abort(context, grpc.StatusCode.PERMISSION_DENIED, refused.message)
        except BadRequestError as bad:
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, bad.message)
        return pb.RenewReply(
            certificate_pem=renewed.certificate_pem,
            ca_pem=renewed.ca_pem,
            gateways=renewed.gateways,
            release_key=renewed.release_key,
        )

    async def FetchRelease(self, request: pb.ReleaseRequest, context: Context) -> None:  # noqa: N802
        await self._admit(context)
        await release_door.send(request, context, self._shared.pool)

    async def AskUpdate(  # noqa: N802
        self, request: pb.UpdateRequest, context: Context
    ) -> pb.UpdateReply:
        who = await self._admit(context)
        return await release_door.ask(who.runner_id, request, context, self._shared.pool)

    async def _identify(self, context: Context) -> RunnerIdentity:
        who = runner_of(context)
        if who is None:
            await abort(
                context,
                grpc.StatusCode.UNAUTHENTICATED,
                "This port is for Runners with a certificate of their own.",
            )
        return who

    async def _admit(self, context: Context) -> RunnerIdentity:
        who = await self._identify(context)
        try:
            await self._shared.standing.check(who)
        except RunnerRefusedError as refused:
            await abort(context, grpc.StatusCode.PERMISSION_DENIED, refused.message)
        return who


def _session(who: RunnerIdentity, attachment: Attachment, periods: Periods) -> Session:
    return Session(
        attachment.runner_id,
        attachment.epoch,
        serial=who.serial,
        inventory=attachment.inventory,
        periods=periods,
    )


def common_protocol(speaks: tuple[int, int]) -> int | None:
    """The highest that both speak."""
    highest = min(speaks[1], PROTOCOL_HIGHEST)
    return highest if highest >= max(speaks[0], PROTOCOL_LOWEST) else None


def nothing_in_common(speaks: tuple[int, int]) -> str:
    older = "Runner" if speaks[1] < PROTOCOL_LOWEST else "server"
    return (
        f"The Runner speaks protocols {speaks[0]} to {speaks[1]}, the server "
        f"{PROTOCOL_LOWEST} to {PROTOCOL_HIGHEST}: update the {older}."
    )
