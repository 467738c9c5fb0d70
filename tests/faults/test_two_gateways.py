"""Sessions with two real gateways: one takes over from the other, and of two that fight the newest Session wins.

The second is dialled by web over TCP with mutual TLS, as on another machine.
"""

import asyncio
import time

import pytest

from tests.faults.probe import probing
from tests.faults.proxy import Proxy
from tests.faults.system import Rig, second_gateway
from tests.journeys.system import free_port, wait

TAKEN_OVER = 10.0
OLD_CLOSED = 5.0


@pytest.fixture(scope="module")
def pair():
    """A system whose Runner knows two gateways, each behind a proxy of its own; the second runs."""
    port = free_port()
    other = Proxy(port)
    rig = Rig()
    rig.environment["MESH_GATEWAY_ADDRESSES"] += f",127.0.0.1:{other.port}"
    try:
        rig.start()
        with second_gateway(rig, port) as gateway:
            wait(lambda: "Runners on port" in (rig.home / "logs" / "second.log").read_text())
            yield rig, gateway, other
    finally:
        rig.close()
        other.close()


def session(rig):
    return rig.runner["session"] or {}


async def test_a_gateway_that_is_asked_to_end_hands_its_runner_over(pair, note):
    rig, _, _ = pair
    assert session(rig)["gateway"] == "local"
    async with probing(rig) as probe:
        began = time.monotonic()
        with rig.stopped("gateway"):
            note("the old one ended", time.monotonic() - began)
            note("shown through the other", shown := await probe.shown_since(began))
            note("answers through the other", answers := await probe.answers_since(began))
            assert session(rig)["gateway"] == "second"
            screen = rig.api.get(f"pods/{probe.key}/screen/")
            assert screen["text"]
            probe.seat.want(100)
            await probe.seat.until(lambda seat: seat.taken == 100, 30)
    assert max(shown, answers) <= TAKEN_OVER


async def test_of_two_that_fight_over_a_runner_the_newest_session_wins(pair, note):
    """Its gateway does not see that the Runner has left: only the Runner's side was closed."""
    rig, _, other = pair
    async with probing(rig) as probe:
        for _ in range(4):
            before = session(rig)
            proxy = rig.proxy if before["gateway"] == "local" else other
            proxy.abandon()
            lost = time.monotonic()
            await asyncio.to_thread(rig.attached_after, before["epoch"])
            probe.seat.want(probe.seat.wanted + 50)
            done = await asyncio.to_thread(
                rig.api.execute, probe.key, f"echo {before['epoch']} >> executed; cat executed"
            )
            note("shown by the newest", await probe.shown_since(lost))
            lines = done["stdout"].split()
            assert len(lines) == len(set(lines))
            proxy.arrive_late()
            await probe.seat.until(lambda seat: seat.taken == seat.wanted, 30)
        for proxy in (rig.proxy, other):
            proxy.restore()
        typed = probe.typed()
        executed = rig.api.execute(probe.key, "cat executed")["stdout"].split()
    assert typed == probe.seat.keys[: probe.seat.wanted]
    assert len(executed) == 4
