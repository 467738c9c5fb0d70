"""Waiting for news without a thread: look, then look again when something of that kind changed, until time is up."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from channels.layers import get_channel_layer

from pods.news import group

logger = logging.getLogger(__name__)
T = TypeVar("T")
News = dict[str, Any]  # kind, key, state, content: as pods/news.py sends it

LISTEN_S = 1.0  # a Redis that has not taken a listener by then is as one that is away


class Heard:
    """The latest news since it was last taken."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._latest: News = {}

    def put(self, news: News) -> None:
        self._latest = news
        self.event.set()

    def take(self) -> News:
        """Empty if there was none."""
        latest, self._latest = self._latest, {}
        self.event.clear()
        return latest


async def look_until(
    look: Callable[[News], Awaitable[T | None]],
    *,
    organization_id: int,
    kinds: frozenset[str],
    seconds: float,
    every: float = 2.0,
) -> T | None:
    """The first answer of `look` that is not None, or None when time is up. Raises what `look` raises.

    `look` is given the news it looks for, empty without any. `every`: seconds after which it looks again without
    news, because news may be lost.
    """
    async with listening(organization_id, kinds) as heard:
        found = await look({})
        return found if found is not None else await look_again(look, heard, seconds, every)


@asynccontextmanager
async def listening(organization_id: int, kinds: frozenset[str]) -> AsyncIterator[Heard]:
    """What is heard inside. Look first, so that nothing falls between looking and listening."""
    heard, listens = Heard(), asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            ear = tasks.create_task(_listen(organization_id, kinds, heard, listens))
            await _within(LISTEN_S, listens)
            try:
                yield heard
            finally:
                await _close(ear)
    except ExceptionGroup as failed:  # of what is done inside: the listener raises nothing
        raise failed.exceptions[0] from None


async def _close(ear: "asyncio.Task[None]") -> None:
    """A layer that is cancelled takes its leave of Redis first, and may wait for that for ever: it is cancelled again."""
    ear.cancel()
    done, _ = await asyncio.wait({ear}, timeout=LISTEN_S)
    if not done:
        ear.cancel()


async def look_again(
    look: Callable[[News], Awaitable[T | None]], heard: Heard, seconds: float, every: float
) -> T | None:
    """As `look_until`, after a first look."""
    ends = _now() + seconds
    while (left := ends - _now()) > 0:
        await _within(min(every, left), heard.event)
        found = await look(heard.take())
        if found is not None:
            return found
    return None


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _listen(
    organization_id: int, kinds: frozenset[str], heard: Heard, listens: asyncio.Event
) -> None:
    """Until cancelled. One `receive` after the other: a layer forgets the channel when one is cancelled."""
    layer, news = get_channel_layer(), group(organization_id)
    try:
        name = await layer.new_channel()
        await layer.group_add(news, name)
        listens.set()
        try:
            while True:
                if (said := await layer.receive(name))["kind"] in kinds:
                    heard.put(said)
        finally:
            # who waited has its answer, and goes without this one
            async with asyncio.timeout(LISTEN_S):
                await layer.group_discard(news, name)
    except Exception:  # the root of listening. Redis is away: only the clock is left
        logger.debug("no news of organization %s", organization_id, exc_info=True)
    finally:
        listens.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
