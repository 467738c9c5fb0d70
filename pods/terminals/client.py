"""This web process's side of Terminals: finds each Pod's Gateway and keeps to it while browsers look."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError
from grpc import aio

from pods.terminals import wire
from pods.terminals.attendance import Attendance
from pods.terminals.dial import EOF, Channels, Credentials
from pods.terminals.feed import Feed
from pods.terminals.household import Household, Job
from pods.terminals.outbox import Outbox
from pods.terminals.viewing import Feeds
from pods.terminals.whereabouts import Whereabouts, whereabouts
from pods.together import until_one_ends
from proto.mesh.v1 import relay_pb2 as pb
from proto.mesh.v1.relay_pb2_grpc import RelayStub

logger = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0

_whereabouts = database_sync_to_async(whereabouts, thread_sensitive=False)


class Terminals:
    """Makes nothing before the first browser comes, so it may be built without a loop."""

    def __init__(self, credentials: Credentials) -> None:
        self._channels = Channels(credentials)
        self._household = Household()
        self._open: dict[str, PodTerminal] = {}

    @contextmanager
    def visit(self, pod: str, place: Whereabouts) -> "Iterator[PodTerminal]":
        """The Pod's Terminal, shared by all browsers of this process that look at it. `place`: as the rows say now."""
        terminal = self._open.get(pod)
        if terminal is None:
            terminal = self._open[pod] = PodTerminal(pod, place, self._channels, self._household)
        terminal.visits += 1
        try:
            yield terminal
        finally:
            terminal.visits -= 1
            if not terminal.visits:
                del self._open[pod]
                terminal.leave()

    async def close(self) -> None:
        await self._channels.close()


class PodTerminal:
    """A Source of feeds, each a View of the Gateway's; and the Attendance beside them."""

    def __init__(
        self, pod: str, place: Whereabouts, channels: Channels, household: Household
    ) -> None:
        self.pod, self.visits = pod, 0
        self._place = place  # where the Runner was when somebody looked last
        self.feeds = Feeds(self)
        self.attendance = Attendance()
        self._channels, self._household = channels, household
        self._views: dict[Feed, tuple[Job, Outbox[int]]] = {}
        self._calls: dict[Any, str] = {}  # calls under way, and the address each went to
        self._attending = household.add(self._keep(self._attend))

    def leave(self) -> None:
        """The last browser has gone."""
        self._attending.cancel()

    def moved(self, place: Whereabouts) -> None:
        """The rows say where the Runner is now: leave a Gateway that is another."""
        self._place = place
        if place.address:
            for call, address in tuple(self._calls.items()):
                if address != place.address:
                    call.cancel()

    # ---- as a Source

    def open(self, feed: Feed) -> None:
        acks: Outbox[int] = Outbox(1)
        job = self._household.add(self._keep(lambda place: self._view(feed, acks, place)))
        self._views[feed] = (job, acks)

    def ack(self, feed: Feed, offset: int) -> None:
        if view := self._views.get(feed):
            view[1].put(offset, "ack")

    def close(self, feed: Feed) -> None:
        job, _ = self._views.pop(feed)
        job.cancel()

    # ----

    async def _keep(self, once: Callable[[Whereabouts], Awaitable[bool]]) -> None:
        """Do `once` again, wherever the Runner is by then, until it says that it is done."""
        wait, place = RETRY_FIRST_S, self._place
        done = False
        while not done:
            started = asyncio.get_running_loop().time()
            if place.address:
                try:
                    done = await once(place)
                except* (aio.AioRpcError, asyncio.InvalidStateError) as gone:
                    logger.debug("%s at %s: %s", self.pod, place.address, gone.exceptions[0])
            if asyncio.get_running_loop().time() - started > RETRY_MAX_S:
                wait = RETRY_FIRST_S
            if not done:
                await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - spreads the load
                wait = min(wait * 2, RETRY_MAX_S)
                place = await self._find()

    async def _find(self) -> Whereabouts:
        try:
            return await _whereabouts(self.pod)
        except DatabaseError:
            logger.warning("cannot look for the gateway of %s", self.pod, exc_info=True)
            return Whereabouts()

    async def _attend(self, place: Whereabouts) -> bool:
        call = self._stub(place).Attend()
        self._calls[call] = place.address
        try:
            await self.attendance.run(call, place.runner_id or 0, self.pod)
        finally:
            del self._calls[call]
            call.cancel()
        return False

    async def _view(self, feed: Feed, acks: Outbox[int], place: Whereabouts) -> bool:
        call = self._stub(place).View()
        self._calls[call] = place.address
        opening = pb.ViewOpen(runner_id=place.runner_id or 0, pod=self.pod)
        if feed.started:
            opening.offset = feed.end
        else:
            opening.screen = True
        try:
            await until_one_ends(_fill(feed, call), _acknowledge(acks, call, opening))
        finally:
            del self._calls[call]
            call.cancel()
        return feed.ended is not None

    def _stub(self, place: Whereabouts) -> Any:
        return RelayStub(self._channels.to(place.address))


async def _fill(feed: Feed, call: Any) -> None:
    """Until the View ends, or leaves a gap it did not announce."""
    fits = True
    while fits and (message := await call.read()) is not EOF:
        match message.WhichOneof("message"):
            case "output":
                fits = feed.push(message.output.offset, message.output.data)
            case "size":
                feed.resize(wire.size(message.size))
            case "screen":
                fits = feed.show(wire.screen(message.screen))
            case "gap":
                feed.skip(message.gap.to)
            case "end":
                feed.finish(wire.end(message.end))


async def _acknowledge(acks: Outbox[int], call: Any, opening: pb.ViewOpen) -> None:
    await call.write(pb.ViewUp(open=opening))
    while True:
        await call.write(pb.ViewUp(ack=await acks.next()))
