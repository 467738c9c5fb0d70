"""An older backup is put back under a Runner at work: it finds back, and Pods of that time are as they are now."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.system import System, wait

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def system() -> Iterator[System]:
    system = System()
    system.home.mkdir()
    (system.home / "greeted").touch()
    try:
        yield system
    finally:
        system.close()


def test_an_older_backup_is_put_back_and_all_goes_on(system: System) -> None:
    system.start()
    api = system.api
    lives, ends = api.run("sleep", "1000"), api.run("sleep", "1000")
    for key in (lives, ends):
        api.becomes(key, "running")
    backup = system.directory / "backup"
    system.manage("backup", str(backup))
    assert backup.stat().st_mode & 0o077 == 0
    assert {"ca", "secret_key"} <= {path.name for path in backup.iterdir()}

    api.terminate(ends)
    later = api.run("sleep", "1000")
    api.becomes(later, "running")
    system.kill("gateway")
    wait(lambda: runner(system)["online"], lambda: system.log("runner"), 60)
    epoch = runner(system)["session"]["epoch"]

    put_back(system, str(backup))
    assert runner(system)["online"]
    assert runner(system)["session"]["epoch"] > epoch
    api = system.api
    assert api.state(lives) == "running"
    assert api.execute(lives, "echo still here")["stdout"] == "still here\n"
    assert api.becomes(ends, "terminated", "completed", "failed", "lost")
    assert api("GET", f"pods/{later}/").status == 404
    key = api.run("true")
    assert api.becomes(key, "completed", "failed") == "completed"


def put_back(system: System, backup: str) -> None:
    refused = system.manage("restore", backup, "--yes", check=False)
    assert "stop all services" in refused.stderr
    system.interrupt()
    (system.home / "ca" / "ca.key").unlink()
    system.manage("restore", backup, "--yes")
    system.start()


def runner(system: System) -> dict[str, Any]:
    return dict(system.api.get("runners/")["results"][0])
