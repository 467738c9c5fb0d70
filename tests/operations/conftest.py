import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.system import System
from tests.operations.valkey import Valkey

METRICS_TOKEN = "a-word-of-the-operator"


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="mesh-valkey-") as home:
        server = Valkey(Path(home))
        yield server
        server.stop()


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """Logs JSON, and tells its figures to one who has the word."""
    system = System(
        MESH_LOG_FORMAT="json",
        MESH_RUNNER_LOG_FORMAT="json",
        MESH_METRICS_TOKEN=METRICS_TOKEN,
        MESH_RUNNER_CAPACITY="20",
    )
    system.home.mkdir()
    (system.home / "greeted").touch()  # no Pod that nobody asked for
    try:
        system.start()
        yield system
    finally:
        system.close()
