"""A Pod's screen at the end of its output, and the one answerer of the queries in it.

Queries are answered from live bytes only: never while a screen is rebuilt from the log up to where a daemon had
dealt with it (the host remembers), and not for output that waited for a daemon longer than ANSWER_WITHIN_MS.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runner_agent.terminals import checkpoints
from runner_agent.terminals.logs import GoneError, PodLog, Size

if TYPE_CHECKING:
    from runner_agent.terminals.screen import Screen

SLICE = 1 << 18  # bytes fed before others get their turn
STEP = 1 << 16
FLOOD = (
    1 << 14
)  # bytes dealt with in one turn: in a flood, word of more is asked for a little later, for the
FLOOD_REST_S = 0.002  # host logs on meanwhile, and each word costs as much as 30 KiB of screen
ANSWER_WITHIN_MS = (
    10_000  # a program that asked longer ago has given up, and would take the answer for typing
)
ANSWER_MAX = 4096  # bytes of answers to one step of output; a file full of queries earns no more

logger = logging.getLogger(__name__)


class LiveScreen:
    """`answer(offset, data)` types an answer to what came before the offset; `caught_up(offset)` hears each time
    everything known is dealt with."""

    def __init__(
        self,
        log: PodLog,
        answer: Callable[[int, bytes], None],
        caught_up: Callable[[int], None],
    ) -> None:
        self._log, self._answer, self._caught_up = log, answer, caught_up
        self.heard: Callable[[bytes, bool], None] | None = (
            None  # live output; whether it waited long
        )
        self._screen: Screen | None = None
        self._cursor = 0
        self._end = 0  # output known of
        self._seen = 0  # a daemon has dealt with the output before this
        self._waited = 0  # output before this waited for a daemon
        self._size: Size = (80, 24)
        self._turn: asyncio.Handle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._told = 0  # `caught_up` heard of this
        self._wanted = self._may_build = False
        self._done = asyncio.Event()
        self._waiting: list[Callable[[], None]] = []

    def begin(self, seen: int, end: int, size: Size) -> None:
        """The host was met. The screen is built when output or somebody asks for it."""
        self._seen, self._waited, self._size = max(self._seen, seen), end, size
        self._end = max(self._end, end)
        if self._seen >= self._end:
            self._rested()
        else:
            self._schedule()

    def more(self, end: int) -> None:
        """There is output up to `end`, or another size."""
        self._end = max(self._end, end)
        self._schedule()

    @property
    def offset(self) -> int:
        """The screen shows all output before this."""
        return self._cursor

    async def at_end(self) -> "Screen":
        """The screen after all output known of now; valid until the next await, as is `offset`."""
        while self._screen is None or self._cursor < self._end:
            self._schedule()
            self._done.clear()
            await self._done.wait()
        return self._screen

    def near_end(self) -> "Screen | None":
        """The same without waiting, at most one SLICE behind; None while it is further behind."""
        if self._screen is None or self._end - self._cursor > SLICE:
            self._schedule()
            return None
        return self._screen

    def when_ready(self, call: Callable[[], None]) -> None:
        """Once, when the end is reached next."""
        self._waiting.append(call)

    def close(self) -> None:
        for later in (self._turn, self._rest):
            if later is not None:
                later.cancel()
        self._turn = self._rest = None
        if self._screen is not None:
            self._screen.close()
            self._screen = None

    def allow(self) -> None:
        """The library of screens is loaded, which takes a third of a second and is done aside."""
        self._may_build = True
        if self._wanted:
            self._schedule()

    def _schedule(self) -> None:
        self._wanted = True
        if self._turn is None and self._may_build:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        try:
            finished = self._feed_slice()
        except Exception:  # the root of this work; a Terminal without a screen goes on
            logger.exception("the screen of %s failed; it is built anew", self._log.directory)
            self.close()
            self._cursor, finished = self._end, True
        if not finished:
            self._schedule()
            return
        self._seen = max(self._seen, self._end)
        self._tell_caught_up()
        self._done.set()
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()

    def _tell_caught_up(self) -> None:
        if self._rest is not None:
            return
        if self._end - self._told < FLOOD:
            self._rested()
        else:
            self._rest = asyncio.get_running_loop().call_later(FLOOD_REST_S, self._rested)

    def _rested(self) -> None:
        self._rest, self._told = None, self._seen
        self._caught_up(self._seen)

    def _feed_slice(self) -> bool:
        """Whether the end is reached."""
        screen = self._screen or self._rebuild()
        until = self._cursor + SLICE
        while self._cursor < min(self._end, until):
            if not self._step(screen):
                self._end = self._cursor  # announced, and yet not there
        size = self._log.size_at(self._cursor)
        if size is not None and size != screen.size:
            screen.resize(*size)
        return self._cursor >= self._end

    def _rebuild(self) -> "Screen":
        first = self._log.first()
        kept = checkpoints.last_before(self._log, max(self._seen, first))
        if kept is not None:
            screen, self._cursor = kept.screen(), kept.offset
        else:
            from runner_agent.terminals.screen import Screen

            screen, self._cursor = Screen(*(self._log.size_at(first) or self._size)), first
        self._screen = screen
        return screen

    def _step(self, screen: "Screen") -> bool:
        """Feed one piece; False if there is none."""
        replayed = self._cursor < self._seen
        limit = min(STEP, self._seen - self._cursor) if replayed else STEP
        try:
            piece = self._log.take(self._cursor, limit)
        except GoneError as gone:  # dropped faster than it could be read
            self._cursor = gone.first
            return True
        if not piece.data:
            return False
        if piece.size != screen.size:
            screen.resize(*piece.size)
        self._keep(screen)
        answers = screen.feed(piece.data)
        if self.heard is not None and not replayed:
            self.heard(piece.data, self._cursor < self._waited)
        if answers and not replayed and self._in_time():
            self._answer(self._cursor + len(piece.data), answers[:ANSWER_MAX])
        self._cursor += len(piece.data)
        return True

    def _keep(self, screen: "Screen") -> None:
        at = self._cursor
        if at and self._log.is_start(at) and not checkpoints.exists(self._log, at):
            checkpoints.save(self._log, at, screen)

    def _in_time(self) -> bool:
        if self._cursor >= self._waited:
            return True
        age_ms = time.time_ns() // 1_000_000 - self._log.time_at(self._cursor)
        return age_ms <= ANSWER_WITHIN_MS
