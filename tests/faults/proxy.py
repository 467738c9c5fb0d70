"""A TCP proxy that misbehaves on command: it stands between a Runner and its Gateway.

It sees only TLS, so it can lose, hold, delay and reorder connections, never change a byte.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

CHUNK = 1 << 16  # bytes of one read
HELD = 64  # chunks a connection may have in the proxy, each way
NOT_TOLD = (ConnectionError, OSError, asyncio.IncompleteReadError)


class Way:
    """One direction of all connections. `rate` is bytes a second, 0: as they come."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.rate = 0
        self.open = asyncio.Event()
        self.open.set()


class Connection:
    """A Runner's connection and ours to the Gateway behind it."""

    def __init__(self, runner: Any, gateway: Any) -> None:
        self.runner, self.gateway = runner, gateway  # (reader, writer) each
        self.abandoned = False
        self.may_arrive = asyncio.Event()  # what was under way when the Runner left it
        self.ended = asyncio.Event()

    def abort(self) -> None:
        for _, writer in (self.runner, self.gateway):
            writer.transport.abort()
        self.ended.set()


class Proxy:
    """Runs in a thread of its own, so a test may block. Every method may be called from any thread."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.dialled = 0  # connections ever taken
        self._connections: set[Connection] = set()
        self._refuses = False
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="proxy")
        self._thread.start()
        self._started.wait()

    # ---- faults

    def cut(self, *, refuse: bool = False) -> None:
        """Reset all connections; with `refuse` new ones, too, until `restore`."""
        self._do(self._cut, refuse)

    def hold(self, *, up: bool = True, down: bool = True) -> None:
        """Deliver nothing this way, and close nothing: a cable that is pulled. Up is from the Runner."""
        self._do(self._hold, up, down)

    def release(self) -> None:
        """Deliver again, as fast or slow as it is."""
        self._do(self._release)

    def slow(self, *, delay: float = 0.0, rate: int = 0) -> None:
        self._do(self._slow, delay, rate)

    def abandon(self) -> None:
        """The Runner loses its connections and dials anew; their last bytes are still on the way to the Gateway."""
        self._do(self._abandon)

    def arrive_late(self) -> None:
        """What `abandon` left on the way arrives now, after the new connection's."""
        self._do(self._arrive_late)

    def restore(self) -> None:
        """A good network again."""
        self._do(self._restore)

    @property
    def alive(self) -> int:
        return len(self._connections)

    def close(self) -> None:
        self._do(self._stop)
        self._thread.join()

    # ---- in the loop

    def _do(self, what: Callable[..., None], *args: Any) -> None:
        done = threading.Event()

        def run() -> None:
            what(*args)
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait()

    def _cut(self, refuse: bool) -> None:
        self._refuses = refuse
        for connection in tuple(self._connections):
            connection.abort()

    def _hold(self, up: bool, down: bool) -> None:
        for way, held in ((self._up, up), (self._down, down)):
            if held:
                way.open.clear()

    def _release(self) -> None:
        for way in (self._up, self._down):
            way.open.set()

    def _slow(self, delay: float, rate: int) -> None:
        for way in (self._up, self._down):
            way.delay, way.rate = delay, rate

    def _abandon(self) -> None:
        for connection in self._connections:
            if not connection.abandoned:
                connection.abandoned = True
                connection.runner[1].transport.abort()

    def _arrive_late(self) -> None:
        for connection in self._connections:
            connection.may_arrive.set()

    def _restore(self) -> None:
        self._refuses = False
        for way in (self._up, self._down):
            way.delay, way.rate = 0.0, 0
            way.open.set()

    def _stop(self) -> None:
        self._stopping.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._up, self._down, self._stopping = Way(), Way(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            self._group = group
            server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._started.set()
            await self._stopping.wait()
            server.close()
            self._cut(refuse=True)

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        self.dialled += 1
        self._group.create_task(self._carry(reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection((reader, writer), behind)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as group:
                jobs = [
                    group.create_task(self._pump(connection, self._up, up=True)),
                    group.create_task(self._pump(connection, self._down, up=False)),
                ]
                await connection.ended.wait()
                for job in jobs:
                    job.cancel()
        finally:
            connection.abort()
            self._connections.discard(connection)

    async def _pump(self, connection: Connection, way: Way, *, up: bool) -> None:
        source, sink = connection.runner[0], connection.gateway[1]
        if not up:
            source, sink = connection.gateway[0], connection.runner[1]
        chunks: deque[tuple[float, bytes]] = deque()
        room, more = asyncio.Semaphore(HELD), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fill(source, way, chunks, (room, more)))
            group.create_task(self._drain(connection, way, chunks, (room, more), sink, up))

    async def _fill(self, source: Any, way: Way, chunks: Any, signals: Any) -> None:
        room, more = signals
        data = b"begin"
        while data:
            await room.acquire()
            try:
                data = await source.read(CHUNK)
            except NOT_TOLD:
                data = b""
            chunks.append((self._loop.time() + way.delay, data))
            more.set()

    async def _drain(
        self, connection: Connection, way: Way, chunks: Any, signals: Any, sink: Any, up: bool
    ) -> None:
        room, more = signals
        with suppress(*NOT_TOLD):
            while True:
                while not chunks:
                    more.clear()
                    await more.wait()
                due, data = chunks.popleft()
                room.release()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await way.open.wait()
                if connection.abandoned:
                    if not up:
                        continue  # there is no Runner on the other end any more
                    await connection.may_arrive.wait()
                if not data:
                    break
                sink.write(data)
                await sink.drain()
                if way.rate:
                    await asyncio.sleep(len(data) / way.rate)
        if not (connection.abandoned and not up):
            connection.ended.set()
