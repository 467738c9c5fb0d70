"""F14, F15: disks fill. What was written before is complete, what could not be written waits or is refused aloud."""

import os
import time

import pytest

from tests.faults.compare import differ
from tests.faults.disks import resize, tmpfs
from tests.faults.programs import writer
from tests.faults.system import Rig
from tests.journeys.system import wait

MIB = 1 << 20
SPEC = (7, 900, 20_000)  # 9 MB

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
    pytest.mark.unproven,
]


@pytest.fixture
def small_runner():
    """The Runner's Pods are on a disk of their own."""
    rig = Rig()
    pods = rig.home / "runner" / "pods"
    try:
        with tmpfs(pods, "4m"):
            try:
                rig.start()
                yield rig, pods
            finally:
                rig.stop()
    finally:
        rig.close()


def test_f14_on_a_full_disk_the_agent_waits_and_no_byte_is_lost(small_runner, note):
    rig, pods = small_runner
    key = rig.write(SPEC, 100 * MIB)
    wait(lambda: _free(pods) < 65536)
    wait(lambda: _stands_still(rig, key))
    assert rig.api.state(key) == "running"
    refused = rig.api.run("true")
    assert rig.api.becomes(refused, "failed") == "failed"
    assert "disk" in rig.api.get(f"pods/{refused}/")["reason"].lower()
    resize(pods, "64m")
    room = time.monotonic()
    whole = writer.expected(*SPEC)
    wait(lambda: len(rig.api.output(key)) >= len(whole))
    note("all written after there was room", time.monotonic() - room)
    got = rig.api.output(key)
    assert got == whole, differ(got, whole)
    rig.api.terminate(key)


def _free(path):
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _stands_still(rig, key):
    before = len(rig.api.output(key))
    time.sleep(0.5)
    return len(rig.api.output(key)) == before


@pytest.fixture
def small_server():
    """The server and its Runner have each a disk of their own."""
    rig = Rig()
    try:
        with tmpfs(rig.home, "80m"), tmpfs(rig.home / "runner", "200m"):
            (rig.home / "greeted").touch()
            try:
                rig.start()
                yield rig
            finally:
                rig.stop()
    finally:
        rig.close()


def test_f15_on_a_full_disk_the_server_refuses_aloud_and_forgets_nothing(small_server, note):
    rig = small_server
    key = rig.write(SPEC, MIB)
    rig.api.becomes(key, "running")
    filler = rig.home / "filler"
    with filler.open("wb") as file:
        try:
            while file.write(bytes(65536)):
                file.flush()
        except OSError:
            pass
    refused = wait(lambda: _refused(rig))
    assert refused.status == 507, refused.body
    assert refused.json["error"]["code"] == "disk_full"
    assert rig.api("GET", f"pods/{key}/").status == 200
    ready = rig.get("readyz")
    assert "disk" in ready.json["degraded"]
    filler.unlink()
    room = time.monotonic()
    done = wait(lambda: _done(rig, key))
    note("works again", time.monotonic() - room)
    assert done.json["stdout"] == "works\n"
    whole = writer.expected(*SPEC)
    wait(lambda: len(rig.api.output(key)) >= len(whole))
    assert rig.api.output(key) == whole
    rig.api.terminate(key)


def _refused(rig):
    answer = rig.api("POST", "channels/", {"name": f"room-{time.monotonic_ns()}"})
    return answer if answer.status >= 400 else None


def _done(rig, key):
    answer = rig.api("POST", f"pods/{key}/execute/", {"shell": "echo works"})
    return answer if answer.status == 200 else None
