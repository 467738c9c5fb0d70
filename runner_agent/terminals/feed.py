"""One reading of one Terminal: a cursor in the Pod's log, a credit, and when to send."""

import asyncio
from collections.abc import Callable

from runner_agent.messages import Attached, End, Gap, OpenFeed, Output, Screen, Size, TerminalEvent
from runner_agent.terminals.logs import GoneError
from runner_agent.terminals.pod_host import LOST, PodHost

FRAME = 1 << 17  # bytes
CREDIT = 1 << 19  # bytes sent and not acked; the Gateway acknowledges quarters of it
BEHIND_MAX = 1 << 20  # bytes; a feed that began with a screen gets a new one rather than more
TRAILING_S = 0.008  # output is collected for so long, unless
TYPED_S = 0.030  # somebody typed just now and
SMALL = 512  # bytes, it may be the echo
LARGE = 1 << 15  # bytes that are worth a frame at once


class Feed:
    def __init__(self, asked: OpenFeed, host: PodHost, ready: Callable[["Feed"], None]) -> None:
        self.number, self.host, self.live = asked.feed, host, asked.live
        self._by_screen = asked.offset is None
        self._wants_screen = self._by_screen
        start = host.end if asked.offset is None else asked.offset
        self._cursor = self.acked = min(start, host.end)
        self._ready = ready
        self._size = host.size  # the last one told
        self._attached = self._ended = False
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._clock = asyncio.get_running_loop()

    def ack(self, offset: int) -> None:
        self.acked = max(self.acked, min(offset, self._cursor))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def consider(self) -> None:
        """Something may be to send: now, or when a little more has come together."""
        if not self._has_news():
            return
        now, pending = self._clock.time(), self.host.end - self._cursor
        echo = pending < SMALL and now - self.host.last_input < TYPED_S
        due = self._sent_at + TRAILING_S
        if echo or pending >= LARGE or now >= due or not self.host.running:
            self.close()
            self._ready(self)
        elif self._timer is None:
            self._timer = self._clock.call_at(due, self._due)

    def _due(self) -> None:
        self._timer = None
        self._ready(self)

    def _has_news(self) -> bool:
        if self._cursor < self.host.end:
            return self._cursor - self.acked < CREDIT
        return self.host.size != self._size or (not self.host.running and not self._ended)

    def next(self) -> TerminalEvent | None:
        """The next event; None: nothing, or no credit for it."""
        if not self._attached:
            self._attached = True
            first, end, size = self.host.log.first(), self.host.end, self.host.size
            self._ready(self)
            return Attached(self.number, first, end, *size)
        if self._wants_screen or self._too_far_behind():
            return self._screen()
        try:
            return self._output() or self._end()
        except GoneError as gone:
            missing, self._cursor = self._cursor, gone.first
            self.acked = max(self.acked, gone.first)
            return Gap(self.number, missing, gone.first)

    def _too_far_behind(self) -> bool:
        behind = self.host.end - self._cursor > BEHIND_MAX
        return behind and self._by_screen and self._cursor - self.acked < CREDIT

    def _screen(self) -> Screen | None:
        """At the end of the output, but before a sequence that is cut in two there."""
        screen = self.host.live.near_end()
        if screen is None or not (screen.can_be_shown or not self.host.running):
            self._wants_screen = True
            self.host.live.when_ready(self._again)
            return None
        self._wants_screen = False
        self._size = screen.size
        self._cursor = self.acked = self.host.live.offset - len(screen.partial())
        self._sent_at = self._clock.time()
        return Screen(self.number, self._cursor, *screen.size, screen.replay())

    def _again(self) -> None:
        self._ready(self)

    def _output(self) -> Output | Size | None:
        if self._cursor >= self.host.end and self.host.size == self._size:
            return None
        room = min(FRAME, CREDIT - (self._cursor - self.acked))
        piece = self.host.log.take(self._cursor, room) if room > 0 else None
        if piece is None:
            return None
        if piece.size != self._size and piece.size[0]:
            self._size = piece.size
            return Size(self.number, self._cursor, *piece.size)
        if not piece.data:
            return None
        at, self._cursor = self._cursor, self._cursor + len(piece.data)
        self._sent_at = self._clock.time()
        return Output(self.number, at, piece.data)

    def _end(self) -> End | None:
        host = self.host
        if host.running or self._ended or self._cursor < host.end:
            return None
        self._ended = True
        return End(self.number, host.end, LOST if host.exit_code is None else host.exit_code)
