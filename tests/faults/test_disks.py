"""F14, F15: disks fill. What was written before is complete, what could not be written waits or is refused aloud."""

import os
import time

import pytest

from tests.faults.compare import differ
from tests.faults.disks import fill, tmpfs
from tests.faults.programs import writer
from tests.faults.system import Rig
from tests.journeys.system import wait

MIB = 1 << 20
LEFT = 3 * MIB
WORKS_AGAIN = 10.0

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]


@pytest.fixture(scope="module")
def small():
    """A system whose server and whose Runner have each a small disk of their own."""
    rig = Rig()
    try:
        with tmpfs(rig.home, "80m"), tmpfs(rig.home / "runner", "64m"):
            (rig.home / "greeted").touch()
            try:
                rig.start()
                yield rig
            finally:
                rig.stop()
    finally:
        rig.close()


def test_f14_on_a_full_disk_the_agent_waits_and_no_byte_is_lost(small, note):
    spec = (7, 900, 20_000)  # 9 MB
    disk = small.home / "runner"
    filler = disk / "filler"
    filler.write_bytes(bytes(_free(disk) - LEFT))
    key = small.write(spec, 100 * MIB)
    wait(lambda: _free(disk) < 65536)
    refused = small.api.run("true")
    assert small.api.becomes(refused, "failed") == "failed"
    assert "disk" in small.api.get(f"pods/{refused}/")["reason"].lower()
    assert small.api.state(key) == "running"
    whole = writer.expected(*spec)
    assert len(small.api.output(key)) < len(whole)
    filler.unlink()
    room = time.monotonic()
    wait(lambda: _end(small, key) >= len(whole))
    note("all written after there was room", took := time.monotonic() - room)
    got = small.api.output(key)
    assert got == whole, differ(got, whole)
    small.api.terminate(key)
    assert took <= WORKS_AGAIN


def test_f15_on_a_full_disk_the_server_refuses_aloud_and_forgets_nothing(small, note):
    spec = (8, 300, 20_000)
    key = small.write(spec, MIB)
    small.api.becomes(key, "running")
    fill(small.home / "filler")
    refused = wait(lambda: _refused(small))
    assert refused.status == 507, refused.body
    assert refused.json["error"]["code"] == "disk_full"
    assert small.api("GET", f"pods/{key}/").status == 200
    assert "disk" in small.get("readyz").json["degraded"]
    (small.home / "filler").unlink()
    room = time.monotonic()
    done = wait(lambda: _done(small, key))
    note("works again", took := time.monotonic() - room)
    assert done.json["stdout"] == "works\n"
    whole = writer.expected(*spec)
    wait(lambda: _end(small, key) >= len(whole))
    assert small.api.output(key) == whole
    assert "disk" not in small.get("readyz").json["degraded"]
    small.api.terminate(key)
    assert took <= WORKS_AGAIN


def _free(path):
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _end(rig, key):
    """How much this Pod has written."""
    return int(rig.api("GET", f"pods/{key}/output/?offset=0&limit=1").headers["X-End"])


def _refused(rig):
    answer = rig.api("POST", "channels/", {"name": f"room-{time.monotonic_ns()}"})
    return answer if answer.status >= 400 else None


def _done(rig, key):
    answer = rig.api("POST", f"pods/{key}/execute/", {"shell": "echo works", "timeout_s": 3})
    return answer if answer.status == 200 else None
