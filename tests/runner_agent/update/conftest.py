from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.runner_agent.link.authority import Authority
from tests.runner_agent.update.stage import Machine, Shop, machine_of


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
async def machine(authority: Authority, tmp_path: Path) -> AsyncIterator[Machine]:
    async with machine_of(authority, tmp_path) as staged:
        yield staged


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the Runner said last, beside a failure."""
    report = yield
    staged = getattr(item, "funcargs", {}).get("machine")
    if report.failed and staged and staged.errors.exists():
        report.sections.append(("end of what the Runner said", staged.said()))
    return report
