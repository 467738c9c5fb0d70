"""Who waits for news of an Organization: one listener for all in this process, because to join Redis and to leave it
again costs more than an answer."""

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from pods.news import group
from pods.terminals.household import Household

logger = logging.getLogger(__name__)
News = dict[str, Any]  # kind, key, state, content: as pods/news.py sends it

LISTEN_S = 1.0  # a Redis that has not taken a listener by then is as one that is away
STAYS_S = 0.5  # a listener, for one who waits again as soon as they have their answer


class Heard:
    """The latest news of some kinds since it was last taken."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.event = asyncio.Event()
        self._kinds = kinds
        self._latest: News = {}

    def put(self, news: News) -> None:
        if news["kind"] in self._kinds:
            self._latest = news
            self.event.set()

    def take(self) -> News:
        """Empty if there was none."""
        latest, self._latest = self._latest, {}
        self.event.clear()
        return latest


@asynccontextmanager
async def listening(organization_id: int, kinds: frozenset[str]) -> AsyncIterator[Heard]:
    """What is heard inside. Look first, so that nothing falls between looking and listening."""
    heard = Heard(kinds)
    ear = _Ear.of(organization_id)
    ear.waiting.add(heard)
    try:
        await within(LISTEN_S, ear.listens)
        yield heard
    finally:
        ear.waiting.discard(heard)
        ear.left.set()


async def within(seconds: float, event: asyncio.Event) -> None:
    """Until then, or until it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class _Ear:
    """Listens until nobody has waited for STAYS_S."""

    def __init__(self, organization_id: int) -> None:
        self.waiting: set[Heard] = set()
        self.listens, self.left = asyncio.Event(), asyncio.Event()
        self._organization_id = organization_id

    @classmethod
    def of(cls, organization_id: int) -> "_Ear":
        loop = asyncio.get_running_loop()
        house = _houses[loop] = _houses.get(loop) or _House()
        ear = house.ears.get(organization_id)
        if ear is None:
            ear = house.ears[organization_id] = cls(organization_id)
            house.hold.add(ear._live(house))
        return ear

    async def _live(self, house: "_House") -> None:
        try:
            await self._listen(house)
        except Exception:  # the root of listening. Redis is away: only the clock is left
            logger.debug("no news of organization %s", self._organization_id, exc_info=True)
        finally:
            self.listens.set()
            self._retire(house)

    async def _listen(self, house: "_House") -> None:
        layer, news = get_channel_layer(), group(self._organization_id)
        async with asyncio.timeout(LISTEN_S):
            name = await layer.new_channel()
            await layer.group_add(news, name)
        self.listens.set()
        async with asyncio.TaskGroup() as tasks:
            hearing = tasks.create_task(self._hear(layer, name))
            await self._until_nobody_waits()
            self._retire(house)
            await _end(hearing)
        async with asyncio.timeout(LISTEN_S):
            await layer.group_discard(news, name)

    async def _hear(self, layer: Any, name: str) -> None:
        """One `receive` after the other: a layer forgets the channel when one is cancelled."""
        while True:
            said = await layer.receive(name)
            for heard in tuple(self.waiting):
                heard.put(said)

    async def _until_nobody_waits(self) -> None:
        while self.waiting:
            while self.waiting:
                self.left.clear()
                await self.left.wait()
            await asyncio.sleep(STAYS_S)

    def _retire(self, house: "_House") -> None:
        """Who comes now gets another."""
        if house.ears.get(self._organization_id) is self:
            del house.ears[self._organization_id]


class _House:
    """Of one loop."""

    def __init__(self) -> None:
        self.hold = Household()
        self.ears: dict[int, _Ear] = {}


_houses: "WeakKeyDictionary[AbstractEventLoop, _House]" = WeakKeyDictionary()


async def _end(hearing: "asyncio.Task[None]") -> None:
    """A layer that is cancelled takes its leave of Redis first, and may wait for that for ever: it is cancelled again."""
    hearing.cancel()
    done, _ = await asyncio.wait({hearing}, timeout=LISTEN_S)
    if not done:
        hearing.cancel()
