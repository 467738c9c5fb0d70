"""A Runner's Terminals stream: bytes up, requests down. It speaks only for feeds of its own Pods."""

from typing import Any

import grpc

from pods.gateway import measures
from pods.gateway.calls import EOF, Context, abort, written
from pods.gateway.hub import Hub, Terminal
from pods.gateway.session import Session
from pods.terminals import wire
from pods.terminals.feed import Feed
from pods.terminals.messages import FeedAck, Request
from pods.terminals.outbox import Outbox
from pods.together import until_one_ends
from proto.mesh.v1 import runner_pb2

UNSENT = 4096  # requests a slow Runner may lag behind before typing is refused


class TerminalsStream:
    """One live stream. `put` may be called by anybody in the loop; one task writes."""

    def __init__(self, runner_id: int, hub: Hub) -> None:
        self.runner_id, self._hub = runner_id, hub
        self._outbox: Outbox[Request] = Outbox(UNSENT)

    def put(self, request: Request) -> bool:
        key = ("ack", request.feed) if isinstance(request, FeedAck) else None
        return self._outbox.put(request, key)

    async def write(self, context: Context) -> None:
        await context.send_initial_metadata(())  # the Runner sees at once that it is attached
        while await written(context, wire.request_to_runner(await self._outbox.next())):
            pass

    async def read(self, context: Context) -> None:
        while (message := await context.read()) is not EOF:
            self._receive(message)

    def _receive(self, message: runner_pb2.TerminalUp) -> None:
        kind = message.WhichOneof("message")
        if kind is None or kind == "hello":
            return
        body: Any = getattr(message, kind)
        if kind in {"input_taken", "input_refused"}:
            self._receive_answer(kind, body)
        elif found := self._hub.feed(self.runner_id, body.feed):
            _apply(kind, body, *found)

    def _receive_answer(self, kind: str, body: Any) -> None:
        terminal = self._hub.known(self.runner_id, body.pod)
        if terminal is None:
            return
        if kind == "input_taken":
            terminal.desk.taken(body.writer, body.position)
        else:
            terminal.desk.refused(body.writer, body.position, body.reason)


def _apply(kind: str, body: Any, terminal: Terminal, feed: Feed) -> None:
    match kind:
        case "output":
            terminal.push(feed, body.offset, body.data)
        case "screen":
            terminal.show(feed, wire.screen(body))
        case "size":
            feed.resize(wire.size(body))
        case "gap":
            feed.skip(body.to)
        case "end":
            terminal.end(feed, wire.end(body))
        case "attached":
            terminal.attached(feed, body.end, body.cols, body.rows)
        case "refused":
            terminal.refuse(feed, body.reason)


async def serve(context: Context, runner_id: int, session: Session | None, hub: Hub) -> None:
    """Serve until either side ends it or the Session closes. Its end does not end the Session."""
    hello = await context.read()
    epoch = hello.hello.epoch if hello is not EOF else 0
    if session is None or session.closing.is_set() or session.epoch != epoch:
        measures.REFUSED.labels("stale").inc()
        await abort(context, grpc.StatusCode.ABORTED, f"epoch {epoch} is not the live Session's")
    stream = TerminalsStream(runner_id, hub)
    hub.attach(stream)
    try:
        await until_one_ends(stream.read(context), stream.write(context), _closing(session))
    finally:
        hub.detach(stream)
    if session.closing.is_set():
        await abort(context, grpc.StatusCode.ABORTED, "the Session has ended")


async def _closing(session: Session) -> None:
    await session.closing.wait()
