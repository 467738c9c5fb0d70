"""F02, F27, F28: a machine is restarted, everything dies at once, the database is put back to what it was."""

import json
import os
import signal
import sqlite3
import time

import pytest

from tests.faults.probe import probing
from tests.journeys.system import wait

LOST_WITHIN = 15.0
ALL_WELL = 60.0
SERVER = ["web", "gateway", "worker", "beat"]


def test_f02_pods_of_a_machine_that_was_restarted_are_lost_and_keep_what_they_wrote(rig, api, note):
    key = api.run("sh", "-c", "touch kept; echo before; sleep 1000")
    api.becomes(key, "running")
    wait(lambda: b"before" in api.output(key))
    meta = rig.home / "runner" / "pods" / key / "meta.json"
    with rig.stopped("runner"):
        os.kill(rig.host_of(key), signal.SIGKILL)
        wait(lambda: api.get(f"pods/{key}/")["disconnected_since"])
        # What the kernel says after a restart is another word than the host wrote down.
        meta.write_text(json.dumps(json.loads(meta.read_text()) | {"boot_id": "another"}))
    back = time.monotonic()
    api.becomes(key, "lost")
    note("lost", took := time.monotonic() - back)
    assert "restarted" in api.get(f"pods/{key}/")["reason"]
    assert api.output(key) == b"before\r\n"
    assert [path.name for path in (rig.home / "runner").glob(f"*/{key}/**/kept")] == ["kept"]
    assert took <= LOST_WITHIN


@pytest.mark.timeout(180)
async def test_f27_everything_dies_at_once_and_all_is_well_again(rig, note):
    async with probing(rig) as probe:
        died = time.monotonic()
        for service in rig.services():
            if service != "supervisord" and (pid := rig.pid(service)):
                os.kill(pid, signal.SIGKILL)
        note("shown again", shown := await probe.shown_since(died, ALL_WELL))
        note("answers again", answers := await probe.answers_since(died, ALL_WELL))
        assert rig.steps(probe.key) == ["pending", "starting", "running"]
    assert max(shown, answers) <= ALL_WELL


@pytest.mark.timeout(180)
async def test_f28_an_old_backup_of_the_database_is_met_by_runners_that_know_more(rig, note):
    """The Pod it knows goes on, whole; one it does not know is not believed in, and harms nothing."""
    async with probing(rig) as probe:
        backup = rig.home / "backup.sqlite3"
        _copy(rig.home / "mesh.sqlite3", backup)
        later = rig.api.run("sleep", "1000")
        rig.api.becomes(later, "running")
        assert rig.api.execute(probe.key, "echo later")["stdout"] == "later\n"
        rig.supervisor.stop_services(SERVER)
        for leftover in rig.home.glob("mesh.sqlite3*"):
            leftover.unlink()
        _copy(backup, rig.home / "mesh.sqlite3")
        began = time.monotonic()
        for service in SERVER:
            rig.supervisor.start_service(service)
        note("shown again", await probe.shown_since(began))
        note("answers again", await probe.answers_since(began))
        assert rig.api("GET", f"pods/{later}/").status == 404
        assert rig.api.execute(probe.key, "echo again")["stdout"] == "again\n"
        assert rig.api.output(probe.key).startswith(b"1 ")
        os.kill(rig.host_of(later), signal.SIGKILL)


def _copy(source, target):
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()
