"""F13: the Runner's clock is wrong. A little does no harm and is shown; more is an error that says so."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from mesh.up.supervisor import services
from tests.faults.process import Process
from tests.journeys.system import ROOT, wait

FAKETIME = shutil.which("faketime")
LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")

pytestmark = pytest.mark.skipif(not FAKETIME, reason="no faketime: apt-get install faketime")


@contextmanager
def clock_moved(rig, by):
    """The Runner, and it alone, believes that it is later by so many seconds."""
    library = next(path for each in LIBRARIES for path in Path("/").glob(each[1:]))
    moved = {"LD_PRELOAD": str(library), "FAKETIME": f"{by:+d}", "DONT_FAKE_MONOTONIC": "1"}
    rig.supervisor.stop_services(["runner"])
    log = rig.home / "logs" / "runner.log"
    command = services(ROOT / "Procfile")["runner"]
    runner = Process(command, rig.service_environment() | moved, log)
    try:
        yield
    finally:
        runner.end()
        rig.supervisor.start_service("runner")


@pytest.mark.parametrize("by", [540, -540])
def test_f13_nine_minutes_do_no_harm_and_are_shown(rig, api, note, by):
    with clock_moved(rig, by):
        rig.attached()
        key = api.run("sh", "-c", "echo once")
        assert api.becomes(key, "completed") == "completed"
        assert api.output(key) == b"once\r\n"
        shown = wait(lambda: (rig.runner["session"] or {}).get("clock_offset_ms"))
        note("offset", shown / 1000)
        assert rig.runner["session"]["clock_is_off"]
    assert abs(shown / 1000 - by) < 5


def test_f13_a_clock_before_the_servers_certificate_is_an_error_that_is_said(rig):
    with clock_moved(rig, -3600):
        wait(lambda: "clock" in _status(rig) or "certificate" in _status(rig).lower())
        assert not rig.online()
    rig.attached()


def test_f13_an_hour_ahead_still_works(rig, api):
    with clock_moved(rig, 3600):
        rig.attached()
        key = api.run("sh", "-c", "echo once")
        assert api.becomes(key, "completed") == "completed"


def _status(rig):
    path = rig.home / "runner" / "status.json"
    return path.read_text()
