"""One connection of the daemon to a Pod host: frames in and out, typing within a window."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from runner_agent.podhost import wire

OLDEST_HOST = max(1, wire.VERSION - 2)
WINDOW = 1 << 18  # bytes on their way to the PTY at once; signals and sizes never wait behind more
CUT = 1 << 15  # bytes in one frame of typing


@dataclass(slots=True)
class Typing:
    """Bytes to type. `done` is resolved when the PTY took them."""

    writer: bytes
    position: int
    data: bytes
    done: asyncio.Future[None] | None = None

    def cut(self) -> "Iterator[Typing]":
        """In frames."""
        last = max(0, len(self.data) - 1) // CUT * CUT
        for start in range(0, last, CUT):
            yield Typing(self.writer, self.position + start, self.data[start : start + CUT])
        yield Typing(self.writer, self.position + last, self.data[last:], self.done)

    def finish(self, error: Exception | None = None) -> None:
        if self.done is None or self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Listener(Protocol):
    """What a host says. `hello` comes first, `broken` last. `typed`: the PTY took it, and all its writer's bytes
    below the position; `not_typed`: nobody can say."""

    def hello(self, end: int, seen: int, pid: int, size: tuple[int, int]) -> None: ...
    def more(self, end: int) -> None: ...
    def typed(self, typing: Typing, position: int) -> None: ...
    def not_typed(self, typing: Typing) -> None: ...
    def resized(self, size: tuple[int, int]) -> None: ...
    def exited(self, code: int, end: int, *, asked: bool) -> None: ...
    def broken(self) -> None: ...


class HostLink(asyncio.Protocol):
    """`typing` is handed over from link to link: what has a writer is sent again, the host drops what it has."""

    def __init__(self, listener: Listener, key: bytes, typing: "deque[Typing]") -> None:
        self._listener, self._key = listener, key
        self._waiting = typing
        self._on_the_way: deque[Typing] = deque()
        self._on_the_way_bytes = 0
        self._echo_asked: deque[asyncio.Future[bool]] = deque()
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self.met: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def itself(self) -> "HostLink":
        """As a factory, for asyncio."""
        return self

    # ---- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        self._transport = transport
        self._send(wire.KEY, bytes((wire.VERSION,)) + self._key)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for kind, payload in wire.take_frames(self._buffer):
            self._frame(kind, payload)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._transport = None
        for unanswered in (self.met, *self._echo_asked):
            if not unanswered.done():
                unanswered.set_result(False)
        while self._on_the_way:
            typing = self._on_the_way.pop()
            if typing.writer:
                self._waiting.appendleft(typing)
            else:
                self._listener.not_typed(typing)
        self._listener.broken()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ---- from the host

    def _frame(self, kind: int, payload: bytes) -> None:
        match kind:
            case wire.END:
                self._listener.more(wire.OFFSET.unpack(payload)[0])
            case wire.TAKEN:
                self._taken(payload)
            case wire.HELLO:
                self._hello(payload)
            case wire.RESIZED:
                end, cols, rows = wire.RESIZED_BODY.unpack(payload)
                self._listener.resized((cols, rows))
                self._listener.more(end)
            case wire.ECHO:
                asked = self._echo_asked.popleft()
                if not asked.done():
                    asked.set_result(bool(payload[0]))
            case wire.EXITED:
                code, end, was_asked = wire.EXITED_BODY.unpack(payload)
                self._listener.exited(code, end, asked=bool(was_asked))

    def _hello(self, payload: bytes) -> None:
        version, end, seen, pid, cols, rows = wire.HELLO_BODY.unpack(payload)
        if not OLDEST_HOST <= version <= wire.VERSION:
            self.close()
            return
        self.met.set_result(True)
        self._listener.hello(end, seen, pid, (cols, rows))
        self._type()

    def _taken(self, payload: bytes) -> None:
        _, position, _ = wire.read_written(payload)
        typing = self._on_the_way.popleft()
        self._on_the_way_bytes -= len(typing.data)
        self._listener.typed(typing, position)
        self._type()

    # ---- to the host

    def _send(self, kind: int, payload: bytes = b"") -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(wire.frame(kind, payload))

    def type(self) -> None:
        """There is more in `typing`."""
        if self.met.done() and self._transport is not None:
            self._type()

    def _type(self) -> None:
        while self._waiting and self._on_the_way_bytes < WINDOW:
            typing = self._waiting.popleft()
            self._on_the_way.append(typing)
            self._on_the_way_bytes += len(typing.data)
            self._send(wire.INPUT, wire.written(typing.writer, typing.position, typing.data))

    def answer(self, offset: int, data: bytes) -> None:
        self._send(wire.REPLY, wire.OFFSET.pack(offset) + data)

    def seen(self, offset: int) -> None:
        self._send(wire.SEEN, wire.OFFSET.pack(offset))

    def limit(self, offset: int) -> None:
        self._send(wire.LIMIT, wire.OFFSET.pack(offset))

    def resize(self, cols: int, rows: int) -> None:
        self._send(wire.RESIZE, wire.SIZE.pack(cols, rows))

    def signal(self, signo: int, *, everyone: bool) -> None:
        self._send(wire.SIGNAL, wire.SIGNAL_BODY.pack(signo, everyone))

    def terminate(self, grace_s: float) -> None:
        self._send(wire.TERMINATE, wire.GRACE.pack(grace_s))

    async def echo(self) -> bool:
        """False, too, if the connection breaks."""
        asked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._transport is None:
            return False
        self._echo_asked.append(asked)
        self._send(wire.ASK_ECHO)
        return await asked
