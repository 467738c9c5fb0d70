"""F19, F21: much is written, and some who look do not keep up: nobody else notices."""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.faults.probe import probing
from tests.faults.seats import Page, socket_of
from tests.journeys.system import wait

ECHO = 0.1  # p95, seconds
MIB = 1 << 20
STALLED = 20  # viewers
COSTS = MIB  # each, in web
PAGE = os.sysconf("SC_PAGE_SIZE")


async def test_f19_a_viewer_that_stops_reading_costs_little_and_holds_nobody_up(rig, api, note):
    flood = api.run("yes")
    async with probing(rig) as probe, AsyncExitStack() as sockets:
        await asyncio.to_thread(wait, lambda: rig.written(flood) > MIB)
        before = _resident(rig.pid("web"))
        for number in range(STALLED):
            stalled = await sockets.enter_async_context(
                socket_of(api, flood, mode="read", client=f"stalled-{number}", offset="0")
            )
            stalled.transport.pause_reading()
        written = rig.written(flood)
        await asyncio.to_thread(wait, lambda: rig.written(flood) > written + 32 * MIB)
        echoes = sorted([await _echo(probe) for _ in range(40)])
        costs = (_resident(rig.pid("web")) - before) / STALLED
        note("memory of web for each", costs / MIB, "MiB")
        note("echo beside them, p95", echoes[37] * 1000, "ms")
    api.terminate(flood)
    assert costs <= COSTS
    assert echoes[37] <= ECHO


def _resident(pid):
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


async def test_f21_a_flood_does_not_slow_the_echo_of_others(rig, api, note):
    flood = api.run("yes")
    page = Page(api, flood, b"y\r\n" * (1 << 26))
    async with probing(rig) as probe:
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(page.look(1000))
            await asyncio.to_thread(wait, lambda: page.shown > 10 * MIB)
            echoes = sorted([await _echo(probe) for _ in range(40)])
            looking.cancel()
        note("echo beside a flood, p95", echoes[37] * 1000, "ms")
    assert not page.wrong
    assert echoes[37] <= ECHO
    api.terminate(flood)


async def _echo(probe):
    """Seconds until a key that was typed is shown."""
    typed = len(probe.typed())
    probe.seat.want(typed + 1)
    began = time.monotonic()
    await probe.seat.until(lambda _: len(probe.typed()) > typed, 10)
    return time.monotonic() - began
