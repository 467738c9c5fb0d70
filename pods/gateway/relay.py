"""What web asks of this Gateway: views of Terminals, attending to them, and single questions."""

import json
from collections.abc import AsyncIterator

import grpc

from pods.gateway.calls import EOF, Context, abort, written
from pods.gateway.desk import Attendant, Desk
from pods.gateway.hub import Hub
from pods.gateway.questions import Questions, TooManyQuestionsError
from pods.gateway.session import Session, SessionClosedError
from pods.gateway.sessions import Sessions
from pods.terminals import wire
from pods.terminals.feed import HOP
from pods.terminals.messages import End
from pods.terminals.viewing import Viewing
from pods.together import until_one_ends
from proto.mesh.v1 import relay_pb2, relay_pb2_grpc, runner_pb2

NOT_HERE = "not_here"


class RelayServicer(relay_pb2_grpc.RelayServicer):
    def __init__(self, hub: Hub, sessions: Sessions, questions: Questions) -> None:
        self._hub, self._sessions, self._questions = hub, sessions, questions

    async def View(self, _requests: AsyncIterator[relay_pb2.ViewUp], context: Context) -> None:  # noqa: N802
        first = await context.read()
        if first is EOF:
            return
        await self._session(first.open.runner_id, context)
        terminal = self._hub.terminal(first.open.runner_id, first.open.pod)
        start = first.open.offset if first.open.WhichOneof("start") == "offset" else None
        viewing = Viewing(terminal.feeds, start, pace=HOP)
        try:
            await until_one_ends(_take_acks(viewing, context), _show(viewing, context))
        finally:
            viewing.close()
            self._hub.drop_if_idle(terminal)

    async def Attend(self, _requests: AsyncIterator[relay_pb2.AttendUp], context: Context) -> None:  # noqa: N802
        first = await context.read()
        if first is EOF:
            return
        await self._session(first.open.runner_id, context)
        terminal = self._hub.terminal(first.open.runner_id, first.open.pod)
        attendant = terminal.desk.attend()
        try:
            await until_one_ends(
                _take_wishes(terminal.desk, attendant, context), _notify(attendant, context)
            )
        finally:
            terminal.desk.leave(attendant)
            self._hub.drop_if_idle(terminal)

    async def Ask(self, request: relay_pb2.AskRequest, context: Context) -> runner_pb2.Answer:  # noqa: N802
        session = await self._session(request.runner_id, context)
        args = json.loads(request.args_json or b"{}")
        try:
            answer = await self._questions.ask(session, request.kind, request.pod, args)
        except TimeoutError:
            await abort(context, grpc.StatusCode.DEADLINE_EXCEEDED, "the Runner did not answer")
        except SessionClosedError:
            await abort(context, grpc.StatusCode.FAILED_PRECONDITION, NOT_HERE)
        except TooManyQuestionsError:
            await abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "too many questions at once")
        return runner_pb2.Answer(
            body=answer.body,
            headers=answer.headers,
            error_code=answer.error_code,
            error=answer.error,
        )

    async def Type(self, request: relay_pb2.TypeRequest, context: Context) -> relay_pb2.TypeReply:  # noqa: N802
        await self._session(request.runner_id, context)
        terminal = self._hub.terminal(request.runner_id, request.pod)
        try:
            refused = await terminal.desk.type_steps(
                wire.writer_from(request.writer),
                [(step.pause_ms / 1000, step.data) for step in request.steps],
            )
        finally:
            self._hub.drop_if_idle(terminal)
        return relay_pb2.TypeReply(taken=not refused, refused=refused)

    async def ResizeTerminal(  # noqa: N802
        self, request: relay_pb2.ResizeRequest, context: Context
    ) -> relay_pb2.TypeReply:
        await self._session(request.runner_id, context)
        terminal = self._hub.terminal(request.runner_id, request.pod)
        writer = wire.writer_from(request.writer)
        refused = terminal.desk.resize_by(writer, request.cols, request.rows)
        self._hub.drop_if_idle(terminal)
        return relay_pb2.TypeReply(taken=not refused, refused=refused)

    async def _session(self, runner_id: int, context: Context) -> Session:
        session = self._sessions.get(runner_id)
        if session is None or session.closing.is_set():
            await abort(context, grpc.StatusCode.FAILED_PRECONDITION, NOT_HERE)
        return session


async def _take_acks(viewing: Viewing, context: Context) -> None:
    while (message := await context.read()) is not EOF:
        viewing.ack(message.ack)


async def _show(viewing: Viewing, context: Context) -> None:
    shown, open_ = None, True
    while open_ and not isinstance(shown, End):
        shown = await viewing.next()
        open_ = await written(context, wire.shown_to_web(shown))


async def _notify(attendant: Attendant, context: Context) -> None:
    while await written(context, wire.notice_to_web(await attendant.notices.next())):
        pass


async def _take_wishes(desk: Desk, attendant: Attendant, context: Context) -> None:
    while (message := await context.read()) is not EOF:
        _obey(desk, attendant, message)


def _obey(desk: Desk, attendant: Attendant, message: relay_pb2.AttendUp) -> None:
    match message.WhichOneof("message"):
        case "input":
            typed = message.input
            desk.type(attendant, typed.viewer, typed.data, typed.position, typed.link)
        case "join":
            join = message.join
            desk.join(attendant, join.viewer, wire.writer_from(join.writer), join.client)
        case "resize":
            desk.resize(attendant, message.resize.viewer, message.resize.cols, message.resize.rows)
        case "control":
            _control(desk, attendant, message.control)


def _control(desk: Desk, attendant: Attendant, control: relay_pb2.ViewerControl) -> None:
    match control.wish:
        case relay_pb2.ViewerControl.TAKE:
            desk.take(attendant, control.viewer)
        case relay_pb2.ViewerControl.RELEASE:
            desk.release(attendant, control.viewer)
        case relay_pb2.ViewerControl.LEAVE:
            desk.drop(attendant, control.viewer)
