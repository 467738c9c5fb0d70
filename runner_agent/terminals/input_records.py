"""Who typed what: what the PTYs took, in bursts, told to the server once each."""

import asyncio
import time
from dataclasses import dataclass, field

from runner_agent.messages import InputBurst
from runner_agent.outbox import Outbox
from runner_agent.terminals.host_link import Typing
from runner_agent.terminals.pod_host import PodHost

BURST_S = 1.0
BURST_MAX = 4096  # bytes

_Key = tuple[str, bytes]  # Pod, writer


@dataclass(slots=True)
class _Open:
    position: int
    offset: int
    timer: asyncio.TimerHandle
    is_hidden: bool
    at_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    data: bytearray = field(default_factory=bytearray)

    @property
    def end(self) -> int:
        return self.position + len(self.data)


class InputRecorder:
    """Hears of each piece that a PTY took. Of a Terminal that hides its input no text is kept."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._bursts: dict[_Key, _Open] = {}

    def attend(self, host: PodHost) -> None:
        host.on_typed.add(self._typed)

    def _typed(self, host: PodHost, typing: Typing, position: int, hidden: bool) -> None:  # noqa: FBT001
        end = typing.position + len(typing.data)
        if not typing.writer or not typing.data or position < end:
            return  # nobody's, or not typed: bytes before these are missing
        key = host.pod, typing.writer
        burst = self._bursts.get(key)
        if burst and (
            burst.end != typing.position
            or burst.is_hidden != hidden
            or len(burst.data) + len(typing.data) > BURST_MAX
        ):
            self._close(key)
            burst = None
        for start in range(0, len(typing.data), BURST_MAX):
            burst = burst or self._open(key, typing.position + start, host.end, hidden=hidden)
            burst.data += typing.data[start : start + BURST_MAX]
            if len(burst.data) >= BURST_MAX:
                self._close(key)
                burst = None

    def close_all(self) -> None:
        """Before the last words of this daemon."""
        for key in tuple(self._bursts):
            self._close(key)

    def _open(self, key: _Key, position: int, offset: int, *, hidden: bool) -> _Open:
        timer = asyncio.get_running_loop().call_later(BURST_S, self._close, key)
        self._bursts[key] = _Open(position, offset, timer, hidden)
        return self._bursts[key]

    def _close(self, key: _Key) -> None:
        burst = self._bursts.pop(key)
        burst.timer.cancel()
        pod, writer = key
        self._outbox.typed(
            InputBurst(
                pod=pod,
                writer=writer.decode(),
                position=burst.position,
                offset=burst.offset,
                at_ms=burst.at_ms,
                length=len(burst.data),
                data=b"" if burst.is_hidden else bytes(burst.data),
                is_hidden=burst.is_hidden,
            )
        )
