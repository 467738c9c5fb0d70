"""F18: a Runner is updated while its Pods write, to releases that are good, slow, forged, broken, or hang."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.faults.disks import fill, tmpfs
from tests.faults.probe import probing
from tests.faults.system import Rig
from tests.journeys.system import wait
from tests.runner_agent.update import stage
from tests.runner_agent.update.stage import Shop

PODS = 20
CONTROL_GAP = 5.0
ENDS_WITHIN = 100.0
WARM_S, HEALTHY_S = 10, 6  # given to a release; as shipped it is a minute each
IMPATIENT = f'python -m tests.faults.programs.impatient "$MESH_HOME/runner" {WARM_S} {HEALTHY_S}'
COUNTS = """\
import itertools, time
for number in itertools.count(1):
    print(number, flush=True)
    time.sleep(0.05)
"""
SLOW = 150_000  # bytes a second: an archive has about 500 kB
_versions = itertools.count(1)

pytestmark = pytest.mark.timeout(300)


class Press:
    """Makes releases with the key of the operator of this system, and has them published."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self._rig, self._folder = rig, folder
        private = folder / "release.pem"
        rig.manage("release", "key", str(private))
        self._shop = Shop(folder, load_pem_private_key(private.read_bytes(), None))

    def publish(self, hook: str = "") -> str:
        version = f"0.9.{next(_versions)}"
        data, signed = self._shop.make(version, hook)
        path = self._folder / f"{version}.tar.gz"
        path.write_bytes(data)
        signed.save(path)
        self._rig.manage("release", "publish", str(path))
        return version

    def spoil_archive(self, version: str) -> None:
        """A bit flips on the server's disk, after the server has judged it."""
        text = json.loads((self._folder / f"{version}.tar.gz.release.json").read_text())["manifest"]
        kept = self._rig.home / "releases" / f"{json.loads(text)['sha256']}.tar.gz"
        broken = bytearray(kept.read_bytes())
        broken[len(broken) // 2] ^= 1
        kept.write_bytes(bytes(broken))

    def spoil_signature(self, version: str) -> None:
        """As somebody does who has the server's database, and not the key."""
        forged = base64.b64encode(bytes(64)).decode()
        found = f"Release.objects.filter(version={version!r}).update(signature={forged!r})"
        self._rig.manage("shell", "--no-imports", "-c", f"from pods.models import Release; {found}")

    def withdraw(self, version: str) -> None:
        self._rig.manage("release", "withdraw", version)


@pytest.fixture(scope="module")
def runner(rig: Rig) -> Iterator[None]:
    with rig.instead("runner", command=IMPATIENT):
        rig.attached()
        yield


@pytest.fixture(scope="module")
def press(rig: Rig, runner: None, tmp_path_factory: pytest.TempPathFactory) -> Press:
    """Its key is known to the Runner."""
    press = Press(rig, tmp_path_factory.mktemp("press"))
    epoch = rig.epoch()
    rig.crash("runner")  # it learns the key at its next Session
    rig.attached_after(epoch)
    wait((rig.home / "runner" / "release.pub").exists)
    return press


@pytest.fixture(scope="module")
def pods(rig: Rig, press: Press) -> Iterator[list[str]]:
    """They count, through all that happens to their Runner."""
    keys = [rig.api.run("python3", "-I", "-S", "-c", COUNTS) for _ in range(PODS)]
    for key in keys:
        rig.api.becomes(key, "running")
    yield keys
    for key in keys:
        rig.api.post(f"pods/{key}/terminate/", {"grace_s": 0})
    for key in keys:
        rig.api.becomes(key, "terminated")


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
async def looking(rig: Rig, keys: list[str]) -> AsyncIterator[Control]:
    """At one more Pod, by its Terminal and by REST; afterwards all run on and no byte is missing."""
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


class Attempt:
    """One update of the Runner, as REST tells of it."""

    def __init__(self, rig: Rig, **wish: object) -> None:
        self._path = f"runners/{rig.runner['id']}/update"
        self._api = rig.api
        self._id = rig.api.post(f"{self._path}/", wish)["id"]

    def now(self) -> dict:
        found = self._api.get(f"{self._path}s/")["results"]
        return next(one for one in found if one["id"] == self._id)

    def steps(self) -> list[str]:
        return [step["step"] for step in self.now()["steps"]]

    async def until(self, happened) -> None:
        await asyncio.to_thread(wait, happened, self.now, ENDS_WITHIN)

    async def ended(self) -> dict:
        await self.until(lambda: self.now()["state"] not in {"asked", "working"})
        return self.now()


async def test_a_good_release_serves_and_nobody_noticed_more_than_a_moment(rig, press, pods, note):
    version = press.publish()
    async with looking(rig, pods) as control:
        attempt = await Attempt(rig, version=version).ended()
        note("control gap", control.gap)
    assert (attempt["state"], attempt["reason"]) == ("done", "")
    assert rig.runner["version"] == version
    assert [step["step"] for step in attempt["steps"]][-1] == "switching"
    assert control.gap <= CONTROL_GAP


async def test_a_slow_download_that_breaks_off_goes_on_and_holds_nobody_up(rig, press, pods, note):
    version = press.publish()
    async with looking(rig, pods) as control:
        rig.proxy.slow(rate=SLOW)
        attempt = Attempt(rig, version=version)
        await attempt.until(lambda: "downloading" in attempt.steps())
        rig.proxy.cut()
        await asyncio.to_thread(rig.attached)
        await attempt.until(lambda: "verifying" in attempt.steps())
        note("control gap while it was fetched", control.gap)
        rig.proxy.slow()
        ended = await attempt.ended()
        note("control gap", control.gap)
    assert (ended["state"], ended["reason"]) == ("done", "")
    assert rig.runner["version"] == version
    assert control.gap <= CONTROL_GAP


@pytest.mark.parametrize(
    ("hook", "code"),
    [
        (stage.FAILS_ITS_TEST, "self_test"),
        (stage.CRASHES_AT_START, "did_not_start"),
        (stage.HANGS_AT_START, "did_not_start"),
        (stage.CRASHES_IN_ITS_TURN, "taken_back"),
        (stage.HANGS_IN_ITS_TURN, "taken_back"),
    ],
    ids=["fails its test", "crashes at start", "hangs at start", "crashes", "hangs"],
)
async def test_a_bad_release_changes_nothing_and_its_reason_is_shown(
    rig, press, pods, note, hook, code
):
    before, version = rig.runner["version"], press.publish(hook)
    async with looking(rig, pods) as control:
        attempt = await Attempt(rig, version=version).ended()
        note("control gap", control.gap)
    assert (attempt["state"], attempt["error_code"]) == ("failed", code)
    assert attempt["reason"]
    assert rig.runner["version"] == before
    assert control.gap <= CONTROL_GAP
    press.withdraw(version)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(Press.spoil_archive, "damaged"), (Press.spoil_signature, "bad_signature")],
    ids=["a bit flips", "another key"],
)
async def test_what_is_not_as_it_was_signed_is_not_installed(rig, press, pods, spoil, code):
    before, version = rig.runner["version"], press.publish()
    spoil(press, version)
    async with looking(rig, pods) as control:
        attempt = await Attempt(rig, version=version).ended()
    assert (attempt["state"], attempt["error_code"]) == ("failed", code)
    assert rig.runner["version"] == before
    assert control.gap <= CONTROL_GAP
    press.withdraw(version)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
async def test_a_disk_that_fills_during_a_download_is_said_and_harms_nothing(rig, press, pods):
    before, version = rig.runner["version"], press.publish()
    releases = rig.home / "runner" / "releases"
    async with looking(rig, pods) as control:
        with tmpfs(releases, "80m"):
            rig.proxy.slow(rate=SLOW)
            attempt = Attempt(rig, version=version)
            await attempt.until(lambda: any(each.stat().st_size for each in releases.glob(".*")))
            fill(releases / "filler")
            ended = await attempt.ended()
            rig.proxy.slow()
    assert (ended["state"], ended["error_code"]) == ("failed", "disk_full")
    assert rig.runner["version"] == before
    assert control.gap <= CONTROL_GAP
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
