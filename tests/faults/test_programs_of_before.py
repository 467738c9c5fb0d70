"""A server and a Runner are not updated in the same moment: each works with the other of before."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.up.supervisor import services
from tests.faults import before
from tests.faults.process import Process
from tests.faults.system import Rig
from tests.journeys.prepared import ROOT
from tests.journeys.system import Api, wait

pytestmark = pytest.mark.timeout(300)

COUNTS = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return before.checkout(tmp_path_factory.mktemp("before") / "mesh")


class OfBefore(Rig):
    """A whole system of then."""

    def __init__(self, checkout: Path) -> None:
        super().__init__()
        self.checkout = checkout

    def start(self) -> str:
        with self.said.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=self.checkout,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout
        line = self.process.stdout.readline().decode()
        assert line, self.said.read_text()
        return line

    def manage(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.checkout,
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def server_of_today() -> Iterator[Rig]:
    rig = Rig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def server_of_before(checkout: Path) -> Iterator[Rig]:
    rig = OfBefore(checkout)
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


def works(rig: Rig, api: Api) -> str:
    """A Pod's whole life but its end; its key."""
    key = api.run("sh", "-c", COUNTS)
    api.becomes(key, "running")
    assert api.execute(key, "echo alive")["stdout"] == "alive\n"
    lines(api, key)
    return key


def lines(api: Api, key: str) -> None:
    """More come, and none is missing."""
    at = len(api.output(key))
    wait(lambda: len(api.output(key)) > at + 100)
    said = api.output(key)
    numbers = [int(line) for line in said[: said.rfind(b"\n")].split() if line.isdigit()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_runner_of_before_works_with_the_server_of_today(server_of_today, checkout):
    rig, api = server_of_today, server_of_today.api
    with rig.instead("runner", checkout):
        wait(lambda: rig.online() and rig.runner["protocol"] == 1, lambda: rig.runner)
        key = works(rig, api)
        ended = works(rig, api)
        api.terminate(ended)
    wait(lambda: rig.online() and rig.runner["protocol"] > 1, lambda: rig.runner)
    lines(api, key)  # that of today has found it
    assert rig.steps(key) == ["pending", "starting", "running"]
    api.terminate(key)


def test_the_runner_of_today_works_with_a_server_of_before(server_of_before):
    rig, api = server_of_before, server_of_before.api
    rig.supervisor.stop_services(["runner"])
    command = services(ROOT / "Procfile")["runner"]
    log = rig.home / "logs" / "today.log"
    runner = Process(command, rig.service_environment(), log, ROOT)
    try:
        wait(rig.online, log.read_text)
        key = works(rig, api)
        api.terminate(key)
    finally:
        runner.end()
