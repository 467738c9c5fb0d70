"""Clients at Terminals that come back whenever their connection ends, as a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from pods.together import until_one_ends
from tests.journeys.system import Api

ACK_EVERY = 64 * 1024
FRAME = 2000
GONE = (WebSocketException, InvalidHandshake, OSError, TimeoutError, EOFError)


@asynccontextmanager
async def socket_of(api: Api, key: str, **query: str) -> AsyncIterator[ClientConnection]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    async with connect(
        f"{api.url.replace('http', 'ws', 1)}/ws/pods/{key}/terminal/?{asked}",
        additional_headers={"Authorization": f"Bearer {api.token}"},
        max_size=None,
        compression=None,
        open_timeout=5,
        ping_interval=5,
        ping_timeout=5,
    ) as socket:
        yield socket


class Place:
    """Where one reading stands. What does not go on where the last byte was is noted in `wrong`."""

    def __init__(self, offset: int) -> None:
        self.start = self.end = self.acked = offset
        self.wrong: list[str] = []

    def take(self, frame: bytes) -> bytes:
        offset = int.from_bytes(frame[:8], "big")
        if offset != self.end:
            self.wrong.append(f"expected byte {self.end}, got {offset}")
        self.end = offset + len(frame) - 8
        return frame[8:]

    async def acknowledge(self, socket: ClientConnection) -> None:
        if self.end - self.acked >= ACK_EVERY:
            self.acked = self.end
            await socket.send(json.dumps({"ack": self.end}))


class Seat:
    """Reads a Terminal from its first byte, and types `keys` into it, `wanted` bytes of them so far."""

    def __init__(self, api: Api, key: str, keys: bytes = b"") -> None:
        self.api, self.key, self.keys = api, key, keys
        self.place = Place(0)
        self.data = bytearray()
        self.wanted = self.taken = self._sent = 0
        self.connections = 0
        self._refused = False  # a moment ago
        self.link: bool | None = None  # what the last word on it was
        self.grew, self._stirred = asyncio.Event(), asyncio.Event()

    async def sit(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._once()
            except* GONE:
                self.link = None
            await asyncio.sleep(0.1)

    async def _once(self) -> None:
        query = {"offset": str(self.place.end), "mode": "write", "client": "seat"}
        async with socket_of(self.api, self.key, **query) as socket:
            self.connections += 1
            self.place.acked = self.place.end
            self._sent = self.taken  # what it is not sure of is sent again
            await until_one_ends(self._read(socket), self._type(socket))

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            if isinstance(frame, str):
                self._hear(json.loads(frame))
            else:
                self.data += self.place.take(frame)
                await self.place.acknowledge(socket)
            self.grew.set()

    def _hear(self, said: dict[str, Any]) -> None:
        self._stirred.set()
        match said:
            case {"type": "taken", "position": int(position)}:
                self.taken = max(self.taken, position)
            case {"type": "refused", "what": "input", "position": int(position)}:
                self._sent, self._refused = position, True
            case {"type": "state", "connected": bool(connected)}:
                self.link = connected
            case {"type": "gap"}:
                self.place.wrong.append(f"a gap: {said}")

    async def _type(self, socket: ClientConnection) -> None:
        while True:
            self._stirred.clear()
            if self._refused:
                self._refused = False
                await asyncio.sleep(0.1)
            end = min(self.wanted, self._sent + FRAME)
            if self.link and end > self._sent:
                at, self._sent = self._sent, end
                await socket.send(at.to_bytes(8, "big") + self.keys[at:end])
            else:
                await self._stirred.wait()

    def want(self, wanted: int) -> None:
        """So many bytes of the keys are to be typed by now."""
        self.wanted = min(len(self.keys), wanted)
        self._stirred.set()

    async def until(self, happened: Any, within: float) -> None:
        """Wait until this is true of the seat."""
        async with asyncio.timeout(within):
            while not happened(self):
                self.grew.clear()
                await self.grew.wait()


class Page:
    """A browser's page: begins with the screen, may miss what it was too slow for, and is reloaded at times.

    Each byte it shows must be the one that belongs there: `whole` is all that the program writes.
    """

    def __init__(self, api: Api, key: str, whole: bytes) -> None:
        self.api, self.key, self.whole = api, key, whole
        self.wrong: list[str] = []
        self.shown = self.screens = 0

    async def look(self, for_s: float) -> None:
        """Until cancelled, reloaded after each `for_s` seconds."""
        while True:
            try:
                async with asyncio.timeout(for_s), socket_of(self.api, self.key, mode="read") as to:
                    await self._read(to)
            except GONE:
                pass
            await asyncio.sleep(0.1)

    async def _read(self, socket: ClientConnection) -> None:
        place = Place(0)
        async for frame in socket:
            if isinstance(frame, str):
                said = json.loads(frame)
                if said["type"] == "screen":
                    place, self.screens = Place(said["offset"]), self.screens + 1
                elif said["type"] == "gap":
                    self.wrong.append(f"a gap: {said}")
                continue
            at = place.end
            data = place.take(frame)
            self.shown += len(data)
            self.wrong += place.wrong
            if data != self.whole[at : at + len(data)]:
                self.wrong.append(f"other bytes than were written at {at}")
            await place.acknowledge(socket)
