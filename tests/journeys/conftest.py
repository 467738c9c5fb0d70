"""One system for all journeys that leave it as they found it."""

import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.journeys.prepared import ROOT
from tests.journeys.system import Api, System


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They run one after the other: tests/conftest.py."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.journey)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the services logged last, beside a failure."""
    report = yield
    system = getattr(item, "funcargs", {}).get("system")
    if report.failed and system:
        report.sections += [(f"end of {name}", system.log(name)) for name in system.services()]
    return report


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    system = System()
    try:
        system.start()
        yield system
    finally:
        system.close()


@pytest.fixture
def api(system: System) -> Api:
    return system.api


@pytest.fixture(scope="session")
def real_repository(system: System) -> str:
    """The slug of a Repository that is a clone of this very checkout, with its whole history."""
    path = system.home / "repositories" / "mesh"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, path], check=True)
    system.api.post("repositories/", {"name": "mesh", "url": str(path)})
    return "mesh"
