"""F09-F12 and Sessions: the network between Runner and Gateway is cut, pulled, slow, or delivers too late."""

import asyncio
import time

import pytest

from tests.faults.probe import probing
from tests.faults.programs import writer
from tests.faults.seats import Page, Seat
from tests.journeys.system import wait

LIVE_AGAIN = 5.0
NOTICED = 16.0
OFFLINE_SEEN = 30.0
MIB = 1 << 20


async def test_f09_after_a_cut_all_is_live_again(rig, note):
    async with probing(rig) as probe:
        await asyncio.to_thread(rig.proxy.cut, refuse=True)
        await asyncio.to_thread(wait, lambda: not rig.online(), within=OFFLINE_SEEN)
        pod = rig.api.get(f"pods/{probe.key}/")
        assert (pod["state"], bool(pod["disconnected_since"])) == ("running", True)
        back = time.monotonic()
        rig.proxy.restore()
        note("shown again", shown := await probe.shown_since(back))
        note("answers again", answers := await probe.answers_since(back))
    assert max(shown, answers) <= LIVE_AGAIN


async def test_f09_a_runner_far_away_attaches_all_the_same(rig, note):
    """The delay also slows each handshake."""
    async with probing(rig) as probe:
        rig.proxy.slow(delay=0.5)
        rig.proxy.cut()
        note("shown again with a round trip of 1 s", await probe.shown_since(time.monotonic()))


@pytest.mark.parametrize(("up", "down"), [(True, True), (True, False), (False, True)])
async def test_f10_a_pulled_cable_is_noticed_by_both_sides(rig, note, up, down):
    """Both ways, and each alone."""
    async with probing(rig) as probe:
        pulled = time.monotonic()
        rig.proxy.hold(up=up, down=down)
        async with asyncio.TaskGroup() as group:
            server = group.create_task(_until(lambda: not rig.online()))
            runner = group.create_task(_until(lambda: rig.link() != "attached"))
        note("noticed by the server", server.result() - pulled)
        note("noticed by the Runner", runner.result() - pulled)
        back = time.monotonic()
        rig.proxy.restore()
        note("shown again", await probe.shown_since(back))
    assert max(server.result(), runner.result()) - pulled <= NOTICED


async def _until(happened):
    """The moment."""
    await asyncio.to_thread(wait, happened)
    return time.monotonic()


async def test_f11_what_an_old_connection_delivers_late_changes_nothing(rig, note):
    async with probing(rig) as probe:
        probe.seat.want(200)
        lost = time.monotonic()
        rig.proxy.abandon()
        note("shown again", await probe.shown_since(lost))
        rig.proxy.arrive_late()
        probe.seat.want(400)
        await probe.seat.until(lambda seat: seat.taken == 400, 30)
        await probe.shown_since(time.monotonic())
        typed = probe.typed()
    assert typed == probe.seat.keys[:400]


async def test_f12_keystrokes_and_commands_whose_confirmation_was_lost_are_done_once(rig, api):
    async with probing(rig) as probe:
        for wanted in range(100, 600, 100):
            rig.proxy.hold(down=False)
            probe.seat.want(wanted)
            line = f"echo {wanted} >> executed"
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.to_thread(api.execute, probe.key, line))
                await asyncio.to_thread(wait, lambda line=line: _done(rig, probe.key, line))
                rig.proxy.cut()
                rig.proxy.restore()
            await probe.seat.until(lambda seat, wanted=wanted: seat.taken >= wanted, 30)
        executed = api.execute(probe.key, "cat executed")["stdout"]
        typed = probe.typed()
    assert typed == probe.seat.keys[:500]
    assert executed.split() == ["100", "200", "300", "400", "500"]


def _done(rig, key, line):
    """Whether the Pod's file says so."""
    file = rig.made(key, "executed")
    return file.exists() and line.split()[1] in file.read_text().split()


async def test_after_a_long_outage_what_is_looked_at_comes_first(rig, api, note):
    """Whoever looks at a Pod now is shown it long before all that others missed has come."""
    owed = [rig.write((seed, 400, 50_000), 100_000_000) for seed in range(4)]
    seats = [Seat(api, key) for key in owed]
    async with probing(rig) as probe:
        rig.proxy.cut(refuse=True)
        async with asyncio.TaskGroup() as group:
            sitting = [group.create_task(seat.sit()) for seat in seats]
            await asyncio.to_thread(wait, lambda: not rig.online(), within=30)
            wholes = [writer.expected(number, 400, 50_000) for number in range(4)]
            owing = sum(map(len, wholes))
            await asyncio.to_thread(wait, lambda: sum(map(rig.written, owed)) >= owing)
            page = Page(api, owed[0], wholes[0])
            sitting.append(group.create_task(page.look(1000)))
            rig.proxy.restore()
            rig.proxy.slow(rate=2 * MIB)
            back = time.monotonic()
            note("shown again", shown := await probe.shown_since(back))
            await asyncio.to_thread(wait, lambda: page.screens)
            note("a new page has its screen", screen := time.monotonic() - back)
            assert sum(seat.place.end for seat in seats) < owing
            rig.proxy.slow()
            for seat, whole in zip(seats, wholes, strict=True):
                await seat.until(lambda s, whole=whole: s.place.end >= len(whole), 60)
                assert bytes(seat.data) == whole
            note("all that was owed", time.monotonic() - back)
            for one in sitting:
                one.cancel()
    for key in owed:
        api.terminate(key)
    assert max(shown, screen) <= LIVE_AGAIN
