"""What a script does: REST with a token, and the terminal's websocket by its contract."""

import json
import struct
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import websockets

from bench.system import System

ACK_EVERY = 64 * 1024


def call(system: System, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        f"{system.url}/api/v1/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {system.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def start_pod(system: System, argv: tuple[str, ...]) -> str:
    """A Pod with an empty Workspace that runs `argv`; its key."""
    pod = call(system, "POST", "pods/", {"agent_type": "custom", "argv": list(argv)})
    return str(pod["key"])


def end_pod(system: System, key: str) -> None:
    """Until it has ended: what that takes must not slow what is measured next."""
    call(system, "POST", f"pods/{key}/terminate/", {"grace_s": 0})
    while call(system, "GET", f"pods/{key}/")["state"] == "stopping":
        time.sleep(0.02)


class Terminal:
    """One viewer: raw bytes in order, acknowledged as the contract asks."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket, self.end, self._acked = socket, 0, 0

    async def type(self, data: bytes) -> None:
        await self._socket.send(data)

    async def read(self) -> bytes:
        """The next bytes; raises RuntimeError on a gap or an overlap."""
        while True:
            message = await self._socket.recv()
            if isinstance(message, str):
                continue
            (offset,) = struct.unpack_from(">Q", message)
            if offset != self.end:
                raise RuntimeError(f"expected offset {self.end}, got {offset}")
            self.end += len(message) - 8
            if self.end - self._acked >= ACK_EVERY:
                self._acked = self.end
                await self._socket.send(json.dumps({"ack": self.end}))
            return message[8:]

    async def read_until(self, mark: bytes) -> None:
        seen = b""
        while mark not in seen:
            seen = seen[-64:] + await self.read()


@asynccontextmanager
async def terminal(system: System, key: str, offset: int = 0) -> AsyncIterator[Terminal]:
    url = f"{system.websocket_url}/ws/pods/{key}/terminal/?offset={offset}&mode=write"
    headers = {"Authorization": f"Bearer {system.token}"}
    async with websockets.connect(
        url, additional_headers=headers, compression=None, max_size=None, max_queue=1024
    ) as socket:
        opened = Terminal(socket)
        opened.end = opened._acked = offset
        yield opened
