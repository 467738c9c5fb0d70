"""F01-F06, F26: processes are killed or asked to end; Pods go on, and all is well again in time."""

import asyncio
import os
import signal
import time

import pytest

from tests.faults.probe import probing
from tests.journeys.system import wait

RUNNER_BACK, GATEWAY_BACK, WEB_BACK = 3.0, 10.0, 5.0
LOST_WITHIN = 5.0
SPAWNS_AGAIN = 5.0  # a new process must start first
ENDS_WITHIN = 10.0


async def test_f01_a_runner_that_is_killed_is_back_and_no_pod_noticed(rig, api, note):
    others = [api.run("sleep", "1000") for _ in range(20)]
    for key in others:
        api.becomes(key, "running")
    async with probing(rig) as probe:
        killed = await asyncio.to_thread(rig.crash, "runner")
        note("shown again", shown := await probe.shown_since(killed))
        note("answers again", await probe.answers_since(killed))
    assert shown <= RUNNER_BACK
    for key in others:
        assert rig.steps(key) == ["pending", "starting", "running"]
        api.terminate(key)


def test_f03_a_host_that_is_killed_takes_only_its_own_pod(rig, api, note):
    doomed, neighbour = api.run("sleep", "1000"), api.run("sleep", "1000")
    for key in (doomed, neighbour):
        api.becomes(key, "running")
    at = time.monotonic()
    os.kill(rig.host_of(doomed), signal.SIGKILL)
    api.becomes(doomed, "lost")
    note("lost", took := time.monotonic() - at)
    assert took <= LOST_WITHIN
    assert "host" in api.get(f"pods/{doomed}/")["reason"]
    assert api.execute(neighbour, "echo alive")["stdout"] == "alive\n"
    api.terminate(neighbour)


async def test_f04_without_its_template_pods_go_on_and_new_ones_wait(rig, api, note):
    async with probing(rig) as probe:
        killed = await asyncio.to_thread(rig.crash, "pods")
        key = api.run("true")
        await asyncio.to_thread(api.becomes, key, "completed")
        note("a new Pod", took := time.monotonic() - killed)
        await probe.shown_since(killed)
    assert took <= SPAWNS_AGAIN


async def test_f05_a_gateway_that_is_killed_has_its_runner_back(rig, note):
    async with probing(rig) as probe:
        killed = await asyncio.to_thread(rig.crash, "gateway")
        note("shown again", shown := await probe.shown_since(killed))
        note("answers again", answers := await probe.answers_since(killed))
    assert max(shown, answers) <= GATEWAY_BACK


async def test_f06_a_web_that_is_killed_goes_on_where_each_viewer_was(rig, note):
    async with probing(rig) as probe:
        killed = await asyncio.to_thread(rig.crash, "web")
        note("shown again", shown := await probe.shown_since(killed))
    assert shown <= WEB_BACK


@pytest.mark.parametrize("service", ["web", "gateway", "runner", "worker", "beat", "pods"])
async def test_f26_each_process_ends_in_order_when_asked(rig, note, service):
    async with probing(rig) as probe:
        began = time.monotonic()
        with rig.stopped(service):
            note("ended", took := time.monotonic() - began)
        await asyncio.to_thread(wait, lambda: rig.pid(service))
        back = time.monotonic()
        note("shown again", await probe.shown_since(back))
    assert took <= ENDS_WITHIN
    log = rig.log("supervisord")
    assert "SIGKILL" not in log.rpartition("stopped: " + service)[2].partition("\n")[0]
