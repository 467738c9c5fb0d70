"""Asking the rows again and again, together with others who ask the same."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

REMEMBERED = 1024  # questions whose last answer is kept


class _Last(Generic[T]):
    def __init__(self) -> None:
        self.asking = asyncio.Lock()
        self.at = float("-inf")
        self.answer: T | None = None


class Looks(Generic[K, T]):
    """`ask` is called once for all who want an answer to the same question at the same time."""

    def __init__(self, ask: Callable[[K], Awaitable[T]]) -> None:
        self._ask = ask
        self._last: OrderedDict[K, _Last[T]] = OrderedDict()

    async def look(self, question: K, max_age_s: float) -> T:
        """Raises what `ask` raises."""
        last = self._last.setdefault(question, _Last())
        self._last.move_to_end(question)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        async with last.asking:
            if last.answer is None or time.monotonic() - last.at > max_age_s:
                asked_at = time.monotonic()
                last.answer = None
                last.answer = await self._ask(question)
                last.at = asked_at
            return last.answer
