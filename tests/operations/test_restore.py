"""An older backup is put back: Runners find back, no epoch comes twice, and Pods of that time are as they are now."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.system import System, wait
from tests.postgres import Server

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(400),
]


@pytest.fixture
def system() -> Iterator[System]:
    system = System()
    system.home.mkdir()
    (system.home / "greeted").touch()
    try:
        yield system
    finally:
        system.close()


@pytest.fixture
def on_postgresql() -> Iterator[System]:
    """Not started: what is done with its commands."""
    server = Server(("fsync=off",))
    server.start()
    path = os.pathsep.join([str(server.programs), os.environ["PATH"]])
    system = System(DATABASE_URL=server.url, PATH=path)
    try:
        yield system
    finally:
        server.stop()
        shutil.rmtree(system.directory)


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


ENROLLED = """
from mesh.up import seed
from pods.models import Runner
Runner.objects.create(organization=seed.owner().organization, name="box", epoch=5, gateway="gone")
"""
CHANGED = """
from django.db import connection
from pods.models import Runner
Runner.objects.all().delete()
connection.cursor().execute("CREATE TABLE of_a_newer_version (id int)")
"""
TOLD = """
from django.db import connection
from pods.models import Runner
box = Runner.objects.get()
print(box.name, box.epoch > 6, repr(box.gateway))
print("of_a_newer_version" in connection.introspection.table_names())
"""


def test_a_postgresql_is_put_back_without_what_came_after(on_postgresql: System) -> None:
    def python(lines: str) -> str:
        return on_postgresql.manage("shell", "--no-imports", "-c", lines).stdout

    backup = on_postgresql.directory / "backup"
    on_postgresql.manage("migrate", "--verbosity", "0")
    python(ENROLLED)
    on_postgresql.manage("backup", str(backup))
    python(CHANGED)
    on_postgresql.manage("restore", str(backup), "--yes")
    assert python(TOLD).split("\n")[:2] == ["box True ''", "False"]
