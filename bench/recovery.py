"""How long until somebody who looks at a Pod sees new bytes again after a process was killed."""

import asyncio
import os
import signal
import time

import websockets

from bench import programs
from bench.client import end_pod, start_pod, terminal
from bench.figures import Figure
from bench.system import System

AIMS = {"runner": 3, "gateway": 10, "web": 5, "redis": 5}  # seconds
NS = 1_000_000_000


class Watch:
    """A viewer that comes back where it was, and knows when the newest line was written."""

    def __init__(self, system: System, key: str) -> None:
        self._system, self._key = system, key
        self._end = 0
        self.newest = 0.0
        self.changed = asyncio.Event()

    async def look(self) -> None:
        while True:
            try:
                async with terminal(self._system, self._key, self._end) as opened:
                    await self._read(opened)
            except (OSError, TimeoutError, websockets.WebSocketException):
                await asyncio.sleep(0.1)

    async def _read(self, opened) -> None:
        rest = b""
        while True:
            *lines, rest = (rest + await opened.read()).split(b"\r\n")
            self._end = opened.end - len(rest)
            for line in filter(None, lines):
                self.newest = int(line) / NS
            self.changed.set()

    async def since(self, moment: float) -> float:
        while self.newest <= moment:
            self.changed.clear()
            await self.changed.wait()
        return time.monotonic() - moment


async def recovery(system: System) -> list[Figure]:
    key = await asyncio.to_thread(start_pod, system, programs.CLOCK)
    watch = Watch(system, key)
    figures = []
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(watch.look())
        for service, aim in AIMS.items():
            await watch.since(time.monotonic())
            pid = (await asyncio.to_thread(system.processes))[service]
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(60):
                taken = await watch.since(killed)
            figures.append(Figure(f"{service} killed: shown again after", taken, "s", f"<= {aim}"))
        looking.cancel()
    await asyncio.to_thread(end_pod, system, key)
    return figures
