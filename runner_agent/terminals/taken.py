"""How far the PTYs took what was typed, told late: one event for many keys, and never before their echo."""

import asyncio
from collections.abc import Callable

from runner_agent.messages import InputTaken

LATE_S = 0.020
MUCH = 1 << 14  # bytes of one writer that are told of at once
WRITERS = 1024  # whose last position is remembered, to know what is much

_Writer = tuple[str, str]  # Pod and writer


class Taken:
    """`due` is called when `next()` has something."""

    def __init__(self, due: Callable[[], None]) -> None:
        self._due = due
        self._positions: dict[_Writer, int] = {}
        self._told: dict[_Writer, int] = {}
        self._ready = False
        self._timer: asyncio.TimerHandle | None = None

    def note(self, pod: str, writer: str, position: int) -> None:
        self._positions[pod, writer] = position
        told = self._told.get((pod, writer))
        if told is not None and not told < position < told + MUCH:  # much, or going back
            self._now()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATE_S, self._now)

    def next(self) -> InputTaken | None:
        if not self._ready:
            return None
        if not self._positions:
            self._ready = False
            return None
        (pod, writer), position = self._positions.popitem()
        self._told.pop((pod, writer), None)
        self._told[pod, writer] = position
        if len(self._told) > WRITERS:
            del self._told[next(iter(self._told))]
        return InputTaken(pod, writer, position)

    def clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._positions.clear()
        self._told.clear()
        self._ready = False

    def _now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ready = True
        self._due()
