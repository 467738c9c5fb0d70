"""A daemon's side of the Pod hosts in a test: start agents, type, watch."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Self

from runner_agent.config import Config
from runner_agent.messages import (
    End,
    FeedAck,
    Gap,
    OpenFeed,
    Output,
    Screen,
    TerminalEvent,
)
from runner_agent.terminals.hosts import Launch, PodHost, PodHosts
from runner_agent.terminals.terminals import Terminals

WITHIN_S = 30.0
PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/bin:/sbin:/bin"
_numbers = count(1)


class Stage:
    def __init__(self, config: Config, hosts: PodHosts) -> None:
        self.config, self.hosts = config, hosts
        self.terminals = Terminals(hosts)

    @classmethod
    @asynccontextmanager
    async def of(cls, config: Config) -> AsyncIterator[Self]:
        async with PodHosts(config) as hosts:
            yield cls(config, hosts)

    async def start(self, *argv: str, pod: str = "", **options: object) -> PodHost:
        launch = Launch(
            pod or f"pod-s{next(_numbers)}",
            argv,
            env={"PATH": PATH, "TERM": "xterm-256color"},
            cwd="/",
        )
        changed = {**{name: getattr(launch, name) for name in Launch.__slots__}, **options}
        return await self.hosts.spawn(Launch(**changed))

    async def python(self, program: str, *args: str, **options: object) -> PodHost:
        return await self.start(sys.executable, "-I", "-S", "-u", "-c", program, *args, **options)

    async def output(self, host: PodHost) -> bytes:
        """All that is kept."""
        data, at = b"", host.log.first()
        while part := host.log.take(at, 1 << 20).data:
            data += part
            at += len(part)
        return data

    async def until_said(self, host: PodHost, words: bytes) -> bytes:
        """What was said up to then."""
        async with asyncio.timeout(WITHIN_S):
            while words not in (said := await self.output(host)):
                before = host.end
                assert host.running, said
                await host.output_after(before)
        return said

    async def events(self, *requests: OpenFeed) -> AsyncIterator[TerminalEvent]:
        for request in requests:
            self.terminals.handle(request)
        async with asyncio.timeout(WITHIN_S), aclosing(self.terminals.events()) as events:
            async for event in events:
                yield event

    async def read(self, host: PodHost, offset: int = 0, feed: int = 1) -> "Reading":
        """A viewer who reads all from there to the end."""
        reading = Reading(offset)
        async with aclosing(self.events(OpenFeed(feed, host.pod, offset, live=True))) as events:
            async for event in events:
                reading.add(event)
                if isinstance(event, Output):
                    self.terminals.handle(FeedAck(feed, reading.at))
                if isinstance(event, End):
                    return reading
        raise AssertionError("the events ended before the Terminal")


class Reading:
    def __init__(self, offset: int) -> None:
        self.at, self.parts = offset, []  # type: int, list[bytes]
        self.events: list[TerminalEvent] = []

    def add(self, event: TerminalEvent) -> None:
        match event:
            case Output():
                assert event.offset == self.at
                self.parts.append(event.data)
                self.at += len(event.data)
            case Gap():
                assert event.start == self.at
                self.at = event.to
                self.events.append(event)
            case Screen():
                self.at = event.offset
                self.events.append(event)
            case _:
                self.events.append(event)

    @property
    def data(self) -> bytes:
        return b"".join(self.parts)


async def until(condition: Callable[[], object], within: float = WITHIN_S) -> None:
    """Wait for what nobody announces: a process, a file."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
