"""Waiting for news without a thread: look, then look again when something of that kind changed, until time is up."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from channels.layers import get_channel_layer

from pods.news import group

logger = logging.getLogger(__name__)
T = TypeVar("T")

Changed = Callable[[float], Awaitable[None]]
"""Wait for news for at most so many seconds. Returns; never raises for a lost Redis."""


async def look_until(
    look: Callable[[], Awaitable[T | None]],
    *,
    organization_id: int,
    kinds: frozenset[str],
    seconds: float,
    every: float = 2.0,
) -> T | None:
    """The first answer of `look` that is not None, or None when time is up.

    `every`: seconds after which it looks again without news, because news may be lost.
    """
    ends = time.monotonic() + seconds
    async with _news(organization_id, kinds) as changed:
        while True:
            found = await look()
            left = ends - time.monotonic()
            if found is not None or left <= 0:
                return found
            await changed(min(every, left))


@asynccontextmanager
async def _news(organization_id: int, kinds: frozenset[str]) -> AsyncIterator[Changed]:
    """Listen from before the first look, so that nothing falls between looking and listening."""
    layer, name = get_channel_layer(), ""
    try:
        name = await layer.new_channel()
        await layer.group_add(group(organization_id), name)
    except Exception:  # Redis is away: only the clock is left
        logger.debug("no news of organization %s", organization_id, exc_info=True)
        name = ""

    async def changed(seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await _next(name, kinds)
        except TimeoutError:
            return

    async def _next(name: str, kinds: frozenset[str]) -> None:
        if not name:
            await asyncio.Event().wait()
        while (await layer.receive(name))["kind"] not in kinds:
            pass

    try:
        yield changed
    finally:
        if name:
            await _forget(layer, organization_id, name)


async def _forget(layer: object, organization_id: int, name: str) -> None:
    try:
        await layer.group_discard(group(organization_id), name)  # type: ignore[attr-defined]
    except Exception:  # Redis went away meanwhile and has forgotten it already
        logger.debug("news of organization %s not left", organization_id, exc_info=True)
