"""What we measure ourselves against: the bare PTY read in Python, and terminado behind its websocket."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import websockets

_TERMINADO = """
import asyncio, sys, tornado.web
from terminado import TermSocket, UniqueTermManager
async def main():
    manager = UniqueTermManager(shell_command=sys.argv[2:])
    app = tornado.web.Application([(r"/ws", TermSocket, {"term_manager": manager})])
    app.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()
asyncio.run(main())
"""


@contextmanager
def bare_pty(argv: tuple[str, ...]) -> Iterator[int]:
    """The master side of a PTY on which `argv` runs; ready once it has said R."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    try:
        while b"R" not in os.read(master, 4096):
            pass
        yield master
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


class Terminado:
    def __init__(self, socket_: websockets.ClientConnection) -> None:
        self._socket = socket_

    async def type(self, data: bytes) -> None:
        await self._socket.send(json.dumps(["stdin", data.decode()]))

    async def read(self) -> bytes:
        while True:
            kind, *rest = json.loads(await self._socket.recv())
            if kind == "stdout":
                return str(rest[0]).encode()

    async def read_until(self, mark: bytes) -> None:
        seen = b""
        while mark not in seen:
            seen = seen[-64:] + await self.read()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("terminado did not start")


@contextmanager
def _served(argv: tuple[str, ...]) -> Iterator[str]:
    """The websocket's URL of a terminado that runs `argv` for each connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen([sys.executable, "-c", _TERMINADO, str(port), *argv])
    try:
        _await_port(port)
        yield f"ws://127.0.0.1:{port}/ws"
    finally:
        server.terminate()
        server.wait()


@asynccontextmanager
async def terminado(argv: tuple[str, ...]) -> AsyncIterator[Terminado]:
    with _served(argv) as url:
        async with websockets.connect(url, compression=None, max_size=None) as socket_:
            yield Terminado(socket_)
