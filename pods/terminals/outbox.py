"""Messages that wait for the one writer of a stream."""

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(Generic[T]):
    """In order; a message with a key takes the place of an unsent one with the same key, which is then outdated.

    `limit` counts messages.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unsent: dict[Hashable, T] = {}
        self._more = asyncio.Event()

    def put(self, message: T, key: Hashable = None) -> bool:
        """False: full, nothing was put."""
        if len(self._unsent) >= self._limit and key not in self._unsent:
            return False
        self._unsent[object() if key is None else key] = message
        self._more.set()
        return True

    async def next(self) -> T:
        """For one reader. Cancelling loses nothing."""
        while not self._unsent:
            self._more.clear()
            await self._more.wait()
        return self._unsent.pop(next(iter(self._unsent)))
