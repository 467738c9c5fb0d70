"""The Terminals stream of a Session: terminal bytes, apart from control. It may break and come back alone."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from grpc import aio

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent.link import terminal_wire as wire
from runner_agent.link.attach import Attached
from runner_agent.link.backoff import Backoff
from runner_agent.messages import TerminalEvent, TerminalRequest
from runner_agent.together import until_one_ends

_Call = aio.StreamStreamCall[pb.TerminalUp, pb.TerminalDown]

logger = logging.getLogger(__name__)


class Feeds(Protocol):
    """What the stream needs of terminals.Terminals."""

    def handle(self, request: TerminalRequest) -> None: ...
    def events(self) -> AsyncGenerator[TerminalEvent, None]: ...
    def close_all(self) -> None: ...
    def unacknowledged(self) -> int: ...


async def keep_open(attached: Attached, feeds: Feeds) -> None:
    """Open it, and again whenever it breaks, until cancelled."""
    backoff, clock = Backoff(), asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            await _serve(attached.stub.Terminals(), attached.welcome.epoch, feeds)
            logger.info("the Terminals stream ended")
        except* (aio.AioRpcError, asyncio.InvalidStateError) as errors:
            logger.info("the Terminals stream broke: %s", errors.exceptions[0])
        except* Exception:
            logger.exception("the Terminals stream failed; the Session goes on")
        finally:
            feeds.close_all()
        backoff.held(clock() - began)
        await asyncio.sleep(backoff.next())


async def _serve(call: _Call, epoch: int, feeds: Feeds) -> None:
    try:
        await until_one_ends(_write(call, epoch, feeds), _read(call, feeds))
    finally:
        call.cancel()


async def _write(call: _Call, epoch: int, feeds: Feeds) -> None:
    await call.write(wire.terminals_hello(epoch))
    async with aclosing(feeds.events()) as events:
        async for event in events:
            await call.write(wire.encode_event(event))


async def _read(call: _Call, feeds: Feeds) -> None:
    while isinstance(message := await call.read(), pb.TerminalDown):
        feeds.handle(wire.decode_request(message))
