"""The Sessions this Gateway holds, by Runner. Used from the gateway's own loop only."""

import asyncio
from collections.abc import Callable, Iterator

from pods import wakeups
from pods.gateway.session import Session

QueueWish = Callable[[frozenset[int]], None]
"""Told, at each change, which Runners' queues this Gateway wants. Must return at once."""


class Sessions:
    def __init__(self, wish: QueueWish) -> None:
        self._wish = wish
        self._held: dict[int, Session] = {}
        self.empty = asyncio.Event()
        self.empty.set()

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def get(self, runner_id: int) -> Session | None:
        return self._held.get(runner_id)

    def add(self, session: Session) -> None:
        """The newest epoch of a Runner wins; the other Session is closed."""
        other = self._held.get(session.runner_id)
        if other and other.epoch > session.epoch:
            session.supersede()
            return
        self._held[session.runner_id] = session
        wakeups.register(session.runner_id, session.wake_from_thread)
        self.empty.clear()
        if other:
            other.supersede()
        self._wish(frozenset(self._held))

    def remove(self, session: Session) -> None:
        """A newer Session of the same Runner stays."""
        wakeups.unregister(session.runner_id, session.wake_from_thread)
        if self._held.get(session.runner_id) is session:
            del self._held[session.runner_id]
            self._wish(frozenset(self._held))
        if not self._held:
            self.empty.set()
