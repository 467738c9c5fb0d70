"""One Session: what the Gateway holds of one connection of a Runner, and the only writer to it."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pods.gateway.periods import Periods
from pods.messages import Goodbye, Heartbeat, PartingReason, ToRunner

UNSENT = 64  # messages a slow connection may lag behind before those who send wait
ANSWER_GAP_MS = 1000  # a flood of heartbeats is answered once in this


class SessionClosedError(Exception):
    """The Session has ended or is ending: nothing more reaches the Runner through it."""


class Session:
    """Used from the gateway's loop only, but for `wake_from_thread`.

    `inventory` are the Pods the Runner named in its hello.
    """

    def __init__(
        self,
        runner_id: int,
        epoch: int,
        *,
        serial: str = "",
        inventory: frozenset[str] = frozenset(),
        periods: Periods = Periods(),  # noqa: B008 - frozen
    ) -> None:
        self.runner_id, self.epoch, self.serial = runner_id, epoch, serial
        self.inventory = inventory
        self.closing = asyncio.Event()
        self.goodbye: Goodbye | None = None
        self.in_flight: dict[str, int] = {}  # sent and not acknowledged: when queued, in ms
        self.wanted = asyncio.Event()  # there may be Commands to send
        self.beats = asyncio.Event()  # the next heartbeat is not to wait for its time
        self.refused = 0  # claims about what is not this Runner's
        self.round_trip_ms: float | None = None
        self.clock_offset_ms: float | None = None
        self.unacknowledged_bytes = 0
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self._periods = periods
        self._answered_ms = 0
        self._unsent: deque[ToRunner] = deque()
        self._more, self._room = asyncio.Event(), asyncio.Event()

    # ---- closing

    def close(self, reason: PartingReason, text: str) -> None:
        """The first reason stands. The writer says it last; what is unsent is dropped."""
        if self.goodbye is None:
            self.goodbye = Goodbye(reason, text)
            self.closing.set()
            self._more.set()
            self._room.set()

    def supersede(self) -> None:
        self.close("superseded", "A newer Session of this Runner exists. Stay away for 30 s.")

    # ---- sending

    def wake(self) -> None:
        self.wanted.set()

    def wake_from_thread(self) -> None:
        self._loop.call_soon_threadsafe(self.wanted.set)

    async def send(self, message: ToRunner) -> None:
        """Waits while UNSENT messages wait already. Raises SessionClosedError."""
        while len(self._unsent) >= UNSENT and not self.closing.is_set():
            self._room.clear()
            await self._room.wait()
        if self.closing.is_set():
            raise SessionClosedError
        self._unsent.append(message)
        self._more.set()

    async def write(self, out: Callable[[ToRunner], Awaitable[None]]) -> None:
        """The one writer; ends when the goodbye is said."""
        while not self.closing.is_set():
            if self._unsent:
                message = self._unsent.popleft()
                self._room.set()
                await out(message)
            else:
                self._more.clear()
                await self._more.wait()
        if self.goodbye:
            await out(self.goodbye)

    # ---- hearing

    def heard(self) -> None:
        self.heard_at = self._loop.time()

    async def hear(self, beat: Heartbeat) -> None:
        """Answer a heartbeat that asks; learn the round trip and the clock from one that answers."""
        now_ms = clock_ms()
        self.unacknowledged_bytes = beat.unsent_bytes
        if beat.echo_ms:
            self.round_trip_ms = float(max(0, now_ms - beat.echo_ms))
            self.clock_offset_ms = beat.sent_at_ms - (now_ms - self.round_trip_ms / 2)
        elif now_ms - self._answered_ms >= ANSWER_GAP_MS:
            self._answered_ms = now_ms
            await self.send(Heartbeat(sent_at_ms=now_ms, echo_ms=beat.sent_at_ms))

    async def beat(
        self, record: Callable[[], Awaitable[None]], trusted: Callable[[], str] = str
    ) -> None:
        """Ask every heartbeat, and have it recorded that the Runner was heard since the last."""
        recorded = self.heard_at
        while True:
            await self.send(Heartbeat(sent_at_ms=clock_ms(), trusted=trusted()))
            self.beats.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._periods.heartbeat):
                    await self.beats.wait()
            if self.heard_at > recorded:
                recorded = self.heard_at
                await record()

    async def listen_for_silence(self) -> None:
        """Ends when the Session is closing and the peer has had its time to take the goodbye."""
        while not self.closing.is_set():
            left = self.heard_at + self._periods.silence - self._loop.time()
            if left <= 0:
                self.close("silent", f"Nothing was heard for {self._periods.silence:g} s.")
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.closing.wait()
        await asyncio.sleep(self._periods.goodbye)


def clock_ms() -> int:
    return time.time_ns() // 1_000_000
