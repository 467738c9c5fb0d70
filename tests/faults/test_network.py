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
ECHO_BESIDE_A_FLOOD = 0.1
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
                await asyncio.sleep(0.5)
                rig.proxy.cut()
                rig.proxy.restore()
            await probe.seat.until(lambda seat, wanted=wanted: seat.taken >= wanted, 30)
        executed = api.execute(probe.key, "cat executed")["stdout"]
        typed = probe.typed()
    assert typed == probe.seat.keys[:500]
    assert executed.split() == ["100", "200", "300", "400", "500"]


async def test_after_a_long_outage_what_is_looked_at_comes_first(rig, api, note):
    """Whoever looks at a Pod now is shown it long before all that others missed has come."""
    owed = [rig.write((seed, 400, 50_000), 100_000_000) for seed in range(4)]
    seats = [Seat(api, key) for key in owed]
    async with probing(rig) as probe:
        rig.proxy.cut(refuse=True)
        async with asyncio.TaskGroup() as group:
            sitting = [group.create_task(seat.sit()) for seat in seats]
            await asyncio.to_thread(wait, lambda: not rig.online(), within=30)
            await asyncio.sleep(2)  # they write meanwhile
            page = Page(api, owed[0], writer.expected(0, 400, 50_000))
            sitting.append(group.create_task(page.look(1000)))
            rig.proxy.restore()
            rig.proxy.slow(rate=2 * MIB)
            back = time.monotonic()
            note("shown again", shown := await probe.shown_since(back))
            await asyncio.to_thread(wait, lambda: page.screens)
            note("a new page has its screen", screen := time.monotonic() - back)
            owing = sum(len(writer.expected(n, 400, 50_000)) for n in range(4))
            assert sum(seat.place.end for seat in seats) < owing
            rig.proxy.slow()
            for number, seat in enumerate(seats):
                whole = writer.expected(number, 400, 50_000)
                await seat.until(lambda s, whole=whole: s.place.end >= len(whole), 60)
                assert bytes(seat.data) == whole
            note("all that was owed", time.monotonic() - back)
            for one in sitting:
                one.cancel()
    for key in owed:
        api.terminate(key)
    assert max(shown, screen) <= LIVE_AGAIN


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
    assert echoes[37] <= ECHO_BESIDE_A_FLOOD
    api.terminate(flood)


async def _echo(probe):
    """Seconds until a key that was typed is shown."""
    typed = len(probe.typed())
    probe.seat.want(typed + 1)
    began = time.monotonic()
    await probe.seat.until(lambda _: len(probe.typed()) > typed, 10)
    return time.monotonic() - began
