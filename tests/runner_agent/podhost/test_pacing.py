"""A flood stays watchable, and nobody who watches can hold an agent."""

import asyncio

from runner_agent.messages import FeedAck, OpenFeed, Output
from runner_agent.podhost.pacing import STALLED_S, Pacing
from runner_agent.terminals.terminals import WATCHED_AHEAD
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import until

FLOOD = """
import os, tty
tty.setraw(0); os.write(1, b'ready'); os.read(0, 1)
for _ in range(64):
    os.write(1, b'x' * 65536)
"""
TOTAL = 64 * 65536 + len(b"ready")


async def test_a_flood_runs_no_more_than_a_mebibyte_ahead_of_its_viewer(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(FLOOD)
        await it.until_said(host, b"ready")
        acked = 0
        async for event in it.events(OpenFeed(1, host.pod, 0, live=True)):
            if not isinstance(event, Output):
                host.type(b"\n")
                continue
            assert host.end <= acked + WATCHED_AHEAD
            acked = event.offset + len(event.data)
            it.terminals.handle(FeedAck(1, acked))
            if acked == TOTAL:
                break
        assert await host.ended() == 0


async def test_a_viewer_who_stalls_holds_the_agent_for_two_seconds_at_most(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(FLOOD)
        await it.until_said(host, b"ready")
        async for _ in it.events(OpenFeed(1, host.pod, 0, live=True)):
            break
        began = asyncio.get_running_loop().time()
        await host.input(b"\n")
        assert await host.ended() == 0
        assert STALLED_S - 0.1 < asyncio.get_running_loop().time() - began < STALLED_S + 10


async def test_a_viewer_who_leaves_holds_nobody(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(FLOOD)
        await it.until_said(host, b"ready")
        async for _ in it.events(OpenFeed(1, host.pod, 0, live=True)):
            break
        await host.input(b"\n")
        await until(lambda: host.end == WATCHED_AHEAD)
        began = asyncio.get_running_loop().time()
        it.terminals.close_all()
        assert await host.ended() == 0
        assert asyncio.get_running_loop().time() - began < STALLED_S


async def test_a_daemon_that_goes_holds_nobody(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(FLOOD)
        await it.until_said(host, b"ready")
        async for _ in it.events(OpenFeed(1, host.pod, 0, live=True)):
            break
        await host.input(b"\n")
        await until(lambda: host.end == WATCHED_AHEAD)
    await until((host.directory / "exit.json").exists, STALLED_S)


async def test_without_a_live_viewer_nothing_is_paced(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(FLOOD)
        await it.until_said(host, b"ready")
        async for _ in it.events(OpenFeed(1, host.pod, 0, live=False)):
            break
        await host.input(b"\n")
        assert await host.ended() == 0
        assert host.end >= TOTAL


def test_the_furthest_limit_counts_and_a_stall_lifts_all() -> None:
    pacing, one, other = Pacing(), object(), object()
    assert pacing.room(50) is None
    pacing.limit(one, 100)
    pacing.limit(other, 200)
    assert pacing.room(150) == 50
    assert pacing.lifts_at(150, 10.0) is None
    assert pacing.lifts_at(200, 10.0) == 10.0 + STALLED_S
    pacing.limit(one, 150)  # no rise
    assert pacing.lifts_at(200, 11.0) == 10.0 + STALLED_S
    pacing.limit(other, 250)
    assert pacing.lifts_at(250, 11.5) == 11.5 + STALLED_S
    pacing.lift_if_stalled(250, 11.5 + STALLED_S)
    assert pacing.room(250) is None


def test_a_limit_goes_with_who_set_it() -> None:
    pacing, one, other = Pacing(), object(), object()
    pacing.limit(one, 100)
    pacing.limit(other, 200)
    pacing.limit(other, 0)
    assert pacing.room(90) == 10
    pacing.limit(one, 0)
    assert pacing.room(90) is None
