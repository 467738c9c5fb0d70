"""A client of the terminal's websocket, written from its contract alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.journeys.system import Api

ACK_EVERY = 64 * 1024
ARRIVES_WITHIN = 30.0


class Terminal:
    """Reads when asked to. `data` is everything since `start`; every frame must go on where the last one ended."""

    def __init__(self, socket: ClientConnection, start: int) -> None:
        self._socket = socket
        self.start, self.end, self.acked = start, start, start
        self.data = bytearray()
        self.news: list[dict[str, Any]] = []

    async def step(self) -> None:
        """Take one frame."""
        frame = await self._socket.recv()
        if isinstance(frame, str):
            said = json.loads(frame)
            self.news.append(said)
            if said["type"] == "screen":
                self.start = self.end = self.acked = said["offset"]
                self.data.clear()
            return
        offset = int.from_bytes(frame[:8], "big")
        assert offset == self.end, f"expected byte {self.end}, got {offset}"
        self.data += frame[8:]
        self.end += len(frame) - 8
        if self.end - self.acked >= ACK_EVERY:
            await self.acknowledge()

    async def acknowledge(self) -> None:
        self.acked = self.end
        await self._socket.send(json.dumps({"ack": self.end}))

    async def until(
        self, happened: Callable[["Terminal"], Any], within: float = ARRIVES_WITHIN
    ) -> None:
        """Take frames until this is true."""
        try:
            async with asyncio.timeout(within):
                while not happened(self):
                    await self.step()
        except TimeoutError:
            raise AssertionError(
                f"not within {within:.0f} s; at byte {self.end}, last {bytes(self.data[-300:])!r}, news {self.news[-5:]}"
            ) from None

    async def shows(self, text: bytes, within: float = ARRIVES_WITHIN) -> None:
        await self.until(lambda terminal: text in terminal.data, within)

    async def told(self, kind: str, **what: Any) -> dict[str, Any]:
        """The first news of this kind with these fields."""

        def found(terminal: "Terminal") -> list[dict[str, Any]]:
            wanted = {"type": kind, **what}
            return [each for each in terminal.news if wanted.items() <= each.items()]

        await self.until(found)
        return found(self)[0]

    async def type(self, data: bytes) -> None:
        """Once the Pod is attached end to end: until then the server refuses it."""
        await self.told("state", connected=True)
        await self._socket.send(data)

    async def say(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def close_code(self) -> int:
        """Take frames until the server closes."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.until(lambda terminal: False)
        assert closed.value.rcvd
        return int(closed.value.rcvd.code)


@asynccontextmanager
async def opened(
    api: Api, key: str, offset: int | None = 0, mode: str = "write", **query: str
) -> AsyncIterator[Terminal]:
    asked = {"mode": mode, **({} if offset is None else {"offset": str(offset)}), **query}
    url = f"{api.url.replace('http', 'ws', 1)}/ws/pods/{key}/terminal/?"
    async with connect(
        url + "&".join(f"{name}={value}" for name, value in asked.items()),
        additional_headers={"Authorization": f"Bearer {api.token}"},
        max_size=None,
        compression=None,
    ) as socket:
        yield Terminal(socket, offset or 0)
