"""One system for all faults that leave it whole, the seed and the length of the mix, and the figures at the end."""

import os
from collections.abc import Callable, Generator, Iterator

import pytest

from tests.faults.before import reference
from tests.faults.databases import Database, Postgres, Sqlite
from tests.faults.system import Rig
from tests.journeys.system import Api

SEED = int(os.environ.get("SEED") or 1)
SECONDS = float(os.environ.get("SECONDS") or 60)

LAST_WORDS = 1500  # of each service, beside a failure

collect_ignore = [] if reference() else ["test_programs_of_before.py"]

Note = Callable[[str, float, str], None]

MEASURED = "measured"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the services logged last, beside a failure."""
    report = yield
    rigs = [each for each in getattr(item, "funcargs", {}).values() if isinstance(each, Rig)]
    if report.failed and rigs:
        report.sections += [
            (f"end of {name}", rigs[0].log(name)[-LAST_WORDS:]) for name in rigs[0].services()
        ]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    figures = [
        f"{report.nodeid.rpartition('::')[2]}: {figure}"
        for report in reports
        if report.when == "call"
        for name, figure in report.user_properties
        if name == MEASURED
    ]
    if figures:
        terminalreporter.section("measured")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Keep a figure: what it is, its value, its unit."""

    def keep(what: str, value: float, unit: str = "s") -> None:
        request.node.user_properties.append((MEASURED, f"{what} {value:.2f} {unit}"))

    return keep


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """On SQLite."""
    rig = Rig()
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def api(rig: Rig) -> Api:
    return rig.api


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rig_on_postgres(postgres: Postgres) -> Iterator[Rig]:
    rig = Rig(DATABASE_URL=postgres.url)
    try:
        rig.start()
        yield rig
    finally:
        rig.close()


@pytest.fixture
def sqlite(rig: Rig) -> Database:
    return Sqlite(rig.home / "mesh.sqlite3")


@pytest.fixture(autouse=True)
def _good_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each fault begins with a Runner that is attached, and leaves none behind."""
    names = {"rig", "rig_on_postgres"} & set(request.fixturenames)
    rigs: list[Rig] = [request.getfixturevalue(name) for name in names]
    for each in rigs:
        each.proxy.restore()
        each.attached()
    yield
    for each in rigs:
        each.proxy.restore()
        each.proxy.arrive_late()
