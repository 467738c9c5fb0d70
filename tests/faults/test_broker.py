"""F07: Valkey is killed, flushed, slow or away. All that was accepted is kept and arrives; nobody waits long for it."""

import asyncio
import time
import uuid

import pytest

from tests.faults.probe import probing
from tests.journeys.system import wait

WELL_AGAIN = 5.0
LATER_AT_MOST = 5.0  # while there is no Valkey
ANSWERED = 2.0
ASLEEP = 6  # seconds


def _killed(rig):
    rig.crash("redis")


def _flushed(rig):
    rig.redis("FLUSHALL")


def _asleep(rig):
    """Each command then waits until it wakes."""
    rig.redis_without_answer("DEBUG", "SLEEP", str(ASLEEP))


@pytest.mark.parametrize("fault", [_killed, _flushed, _asleep])
async def test_f07_commands_messages_and_bytes_go_on(rig, api, note, fault):
    room = f"room-{uuid.uuid4().hex[:8]}"
    api.post("channels/", {"name": room})
    async with probing(rig) as probe:
        broken = time.monotonic()
        await asyncio.to_thread(fault, rig)
        texts = [f"message {n}" for n in range(5)]
        longest = 0.0
        for text in texts:
            began = time.monotonic()
            body = {"body": text}
            await asyncio.to_thread(api.post, f"channels/{room}/messages/", body)
            longest = max(longest, time.monotonic() - began)
        began = time.monotonic()
        await probe.answers_since(began)
        note("a command line took", later := time.monotonic() - began)
        note("a message was taken in", longest)
        note("shown again", await probe.shown_since(broken))
        seen = api.get(f"channels/{room}/messages/")["results"]
    assert [each["body"] for each in seen] == texts
    assert longest <= ANSWERED
    assert later <= LATER_AT_MOST


async def test_f07_without_valkey_readiness_says_so_and_work_goes_on(rig, api, note):
    async with probing(rig) as probe:
        with rig.stopped("redis"):
            ready = rig.get("readyz")
            assert (ready.status, ready.json["degraded"]) == (200, ["redis"])
            began = time.monotonic()
            note("a command line took", later := await probe.answers_since(began))
            key = await asyncio.to_thread(api.run, "sh", "-c", "echo once")
            await asyncio.to_thread(api.becomes, key, "completed")
            note("a Pod ran", started := time.monotonic() - began - later)
            await probe.shown_since(time.monotonic())
        back = time.monotonic()
        await asyncio.to_thread(wait, lambda: not rig.get("readyz").json["degraded"])
        note("ready again", ready_again := time.monotonic() - back)
        quick = time.monotonic()
        await probe.answers_since(quick)
        note("a command line then took", time.monotonic() - quick)
    assert later <= LATER_AT_MOST
    assert started <= 2 * LATER_AT_MOST
    assert ready_again <= WELL_AGAIN
