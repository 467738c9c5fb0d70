"""Waiting for news without a thread: look, then look again when something of that kind changed, until time is up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pods.hearing import Heard, News, listening, within

T = TypeVar("T")


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


async def look_again(
    look: Callable[[News], Awaitable[T | None]], heard: Heard, seconds: float, every: float
) -> T | None:
    """As `look_until`, after a first look."""
    ends = _now() + seconds
    while (left := ends - _now()) > 0:
        await within(min(every, left), heard.event)
        found = await look(heard.take())
        if found is not None:
            return found
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
