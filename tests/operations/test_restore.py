"""An older backup is put back: no epoch comes twice, and nothing is left of what came after. With a Runner at work: tests/faults."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.journeys.system import System
from tests.postgres import Server

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(400),
]


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
