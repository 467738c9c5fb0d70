"""F18: a Runner is updated while its Pods write, to releases that are good, slow, forged, broken, or hang."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.faults.probe import probing
from tests.faults.system import Rig
from tests.journeys.system import wait
from tests.runner_agent.update import stage
from tests.runner_agent.update.stage import Shop

PODS = 20
CONTROL_GAP = 5.0
ENDS_WITHIN = 240.0
_versions = itertools.count(1)


class Press:
    """Makes releases with the key of the operator of this system, and has them published."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self._rig, self._folder = rig, folder
        private = folder / "release.pem"
        rig.manage("release", "key", str(private))
        self._shop = Shop(folder, load_pem_private_key(private.read_bytes(), None))
        rig.crash("runner")  # it learns the key at its next Session
        wait((rig.home / "runner" / "release.pub").exists)
        rig.attached()

    def publish(self, hook: str = "", *, spoil: bool = False) -> str:
        version = f"0.9.{next(_versions)}"
        data, signed = self._shop.make(version, hook)
        path = self._folder / f"{version}.tar.gz"
        path.write_bytes(data)
        signed.save(path)
        self._rig.manage("release", "publish", str(path))
        if spoil:  # on the server's disk, after it was judged there
            sha256 = json.loads(signed.text)["sha256"]
            kept = self._rig.home / "releases" / f"{sha256}.tar.gz"
            broken = bytearray(data)
            broken[len(broken) // 2] ^= 1
            kept.write_bytes(bytes(broken))
        return version

    def withdraw(self, version: str) -> None:
        self._rig.manage("release", "withdraw", version)


@pytest.fixture(scope="module")
def press(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Press:
    return Press(rig, tmp_path_factory.mktemp("press"))


class Control:
    """Asks the Runner something all the time; the longest that no answer came is the control gap."""

    def __init__(self, rig: Rig, key: str) -> None:
        self._rig, self._path = rig, f"pods/{key}/output/?offset=0&limit=1"
        self.gap = 0.0

    async def ask(self) -> None:
        answered = time.monotonic()
        while True:
            answer = await asyncio.to_thread(self._rig.api, "GET", self._path)
            if answer.status == 200:
                self.gap = max(self.gap, time.monotonic() - answered)
                answered = time.monotonic()
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def writing(rig: Rig) -> AsyncIterator[Control]:
    """Pods that write, one with its Terminal open; afterwards all of them run on and no byte is missing."""
    keys = [await asyncio.to_thread(rig.api.run, "sh", "-c", stage.COUNTS) for _ in range(PODS)]
    for key in keys:
        await asyncio.to_thread(rig.api.becomes, key, "running")
    control = Control(rig, keys[0])
    async with probing(rig) as probe, asyncio.TaskGroup() as group:
        asking = group.create_task(control.ask())
        yield control
        await probe.shown_since(time.monotonic())
        asking.cancel()
    for key in keys:
        assert rig.steps(key) == ["pending", "starting", "running"]
        output = rig.api.output(key)
        lines = [int(line) for line in output[: output.rfind(b"\n") + 1].split()]
        assert lines == list(range(1, len(lines) + 1))
        rig.api.terminate(key)


async def updated(rig: Rig, **wish: object) -> dict:
    """Ask for it, and wait until it is over."""
    runner = rig.runner["id"]
    attempt = await asyncio.to_thread(rig.api.post, f"runners/{runner}/update/", wish)

    def now() -> dict:
        found = rig.api.get(f"runners/{runner}/updates/")["results"]
        return next(one for one in found if one["id"] == attempt["id"])

    await asyncio.to_thread(
        wait, lambda: now()["state"] not in {"asked", "working"}, now, ENDS_WITHIN
    )
    return now()


async def test_a_good_release_serves_and_nobody_noticed_more_than_a_moment(rig, press, note):
    version = press.publish()
    async with writing(rig) as control:
        attempt = await updated(rig, version=version)
        note("control gap", control.gap)
    assert (attempt["state"], attempt["reason"]) == ("done", "")
    assert rig.runner["version"] == version
    assert [step["step"] for step in attempt["steps"]][-1] == "switching"
    assert control.gap <= CONTROL_GAP


@pytest.mark.parametrize(
    ("hook", "code"),
    [
        (stage.FAILS_ITS_TEST, "self_test"),
        (stage.CRASHES_AT_START, "did_not_start"),
        (stage.CRASHES_IN_ITS_TURN, "taken_back"),
        (stage.HANGS_IN_ITS_TURN, "taken_back"),
    ],
    ids=["fails its test", "crashes at start", "crashes", "hangs"],
)
async def test_a_bad_release_changes_nothing_and_its_reason_is_shown(rig, press, note, hook, code):
    before, version = rig.runner["version"], press.publish(hook)
    async with writing(rig) as control:
        attempt = await updated(rig, version=version)
        note("control gap", control.gap)
    assert (attempt["state"], attempt["error_code"]) == ("failed", code)
    assert attempt["reason"]
    assert rig.runner["version"] == before
    press.withdraw(version)


async def test_a_bit_that_flipped_on_the_servers_disk_is_noticed(rig, press):
    before, version = rig.runner["version"], press.publish(spoil=True)
    attempt = await updated(rig, version=version)
    assert (attempt["state"], attempt["error_code"]) == ("failed", "damaged")
    assert rig.runner["version"] == before
    press.withdraw(version)


async def test_a_rollout_over_one_runner_that_fails_says_why_and_ends(rig, press):
    version = press.publish(stage.FAILS_ITS_TEST)
    rollout = rig.api.post("rollouts/", {"version": version})

    def now() -> dict:
        return rig.api.get(f"rollouts/{rollout['id']}/")

    await asyncio.to_thread(wait, lambda: now()["state"] != "running", now, ENDS_WITHIN)
    assert now()["state"] == "failed"
    assert "broken here" in now()["reason"]
    press.withdraw(version)
