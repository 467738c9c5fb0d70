"""A whole Mesh with a model server for each process of the test, and each program's one Pod in it."""

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.agents.driven import Driven
from tests.agents.programs import PROGRAMS
from tests.fake_models import FakeModels
from tests.journeys.system import System

SLUGS = os.environ.get("AGENT_SLUGS", " ".join(PROGRAMS)).split()
SIDE_BY_SIDE = {"claude": "a", "codex": "a", "gemini": "a", "opencode": "b", "aider": "b"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "of(name): for the programs that have it, by `Program`")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "driven" in metafunc.fixturenames:
        of = metafunc.definition.get_closest_marker("of")
        slugs = [slug for slug in SLUGS if not of or getattr(PROGRAMS[slug], of.args[0])]
        metafunc.parametrize("driven", slugs, indirect=True, scope="session")


class _Lives(LoadScopeScheduling):
    """Each process of xdist has a system and runs whole lives in it. (Its groups are lost with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        found = re.search(r"\[([a-z]+)", nodeid)
        return SIDE_BY_SIDE[found[1]] if found else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Lives:
    return _Lives(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    driven = getattr(item, "funcargs", {}).get("driven")
    if report.failed and driven:
        if "is_installed" in item.name:
            driven.lost = item.name
        logs = [(f"end of {name}", driven.system.log(name)) for name in driven.system.services()]
        report.sections += logs
    return report


@pytest.fixture(scope="session")
def user_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the Runner's user: the real one's settings, none of its logins."""
    home = tmp_path_factory.mktemp("user")
    of_programs = {Path(each.login.file).parts[0] for each in PROGRAMS.values() if each.login}
    for path in Path.home().iterdir():
        if path.name not in of_programs:
            (home / path.name).symlink_to(path)
    return home


@pytest.fixture(scope="session")
def system(user_home: Path) -> Iterator[System]:
    system = System(HOME=str(user_home), MESH_RUNNER_ALLOW_LOGIN="true")
    try:
        system.start()
        yield system
    finally:
        system.close()


@pytest.fixture(scope="session")
def driven(request: pytest.FixtureRequest, system: System) -> Iterator[Driven]:
    program = PROGRAMS[request.param]
    with FakeModels({"rules": program.rules()}) as models:
        driven = Driven(system, program, models)
        driven.create("MESH-HELLO, I am told first.\nThis is its second line.")
        yield driven
        driven.end()
