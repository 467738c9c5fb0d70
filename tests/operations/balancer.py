"""One address for several: a TCP balancer, as small as it can be."""

import asyncio
import threading
from contextlib import suppress

GONE = (ConnectionError, OSError)


class Balancer:
    """Each connection goes to the next port that takes it. Runs in a thread of its own."""

    def __init__(self, *ports: int) -> None:
        self._ports = list(ports)
        self.port = 0
        self._started, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="balancer")
        self._thread.start()
        self._started.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._over.wait()
        server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await self._dial()
        except GONE:
            writer.transport.abort()
            return
        with suppress(*GONE, ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back))
                group.create_task(_pump(there, writer))
        for end in (writer, back):
            end.transport.abort()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in self._ports:
            self._ports.append(self._ports.pop(0))
            with suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", self._ports[-1])
        raise ConnectionRefusedError


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError  # one side has ended: so does the other
