import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner_agent import config as configs
from runner_agent.config import Config, Enrolled
from runner_agent.link import identity as identities
from runner_agent.link.identity import Identity
from runner_agent.link.link import Link
from runner_agent.link.periods import Periods
from runner_agent.link.status import Status
from tests.runner_agent.link.authority import BACKDATED, LIFE, Authority
from tests.runner_agent.link.gateway import ScriptedGateway
from tests.runner_agent.link.office import Office, opened
from tests.runner_agent.link.runner import NotingFeeds, NotingRunner

QUICK = Periods(heartbeat=0.05, silence=5, superseded=0.2, renew_again=0.05, goodbye=0.2)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = configs.load(tmp_path / "home", {"MESH_RUNNER_SOCKETS": str(tmp_path / "s")})
    made.prepare()
    return made


@pytest.fixture
async def gateway(authority: Authority) -> AsyncIterator[ScriptedGateway]:
    async with ScriptedGateway(authority).listening() as listening:
        yield listening


@pytest.fixture
def office(authority: Authority) -> Iterator[Office]:
    with opened(authority) as office:
        yield office


@pytest.fixture
def identity(authority: Authority) -> Callable[..., Identity]:
    def make(life: timedelta = LIFE, age: timedelta = timedelta()) -> Identity:
        key = identities.new_key()
        certificate = authority.sign(identities.signing_request(key), life, age + BACKDATED)
        obtained = datetime.now(UTC) - age
        return identities.make(key, certificate, authority.ca_pem, obtained)

    return make


@pytest.fixture
def runner() -> NotingRunner:
    return NotingRunner()


@pytest.fixture
def feeds() -> NotingFeeds:
    return NotingFeeds()


class Linking:
    """Makes Links to gateways and runs them for as long as the test lasts."""

    def __init__(self, config: Config, runner: NotingRunner, feeds: NotingFeeds) -> None:
        self._config, self._runner, self._feeds = config, runner, feeds

    server = "http://127.0.0.1:1"

    def make(self, identity: Identity, *gateways: str, periods: Periods = QUICK) -> Link:
        enrolled = Enrolled(self.server, 7, "alpha", gateways)
        config = dataclasses.replace(self._config, enrolled=enrolled)
        identities.save(config, identity)
        return Link(
            config, identity, self._runner, self._feeds, Status(config.status_file), periods
        )

    @contextlib.asynccontextmanager
    async def run(self, identity: Identity, *gateways: str, periods: Periods = QUICK):
        async with asyncio.TaskGroup() as group:
            link = self.make(identity, *gateways, periods=periods)
            task = group.create_task(link.run())
            try:
                yield link
            finally:
                task.cancel()


@pytest.fixture
def linking(config: Config, runner: NotingRunner, feeds: NotingFeeds) -> Linking:
    return Linking(config, runner, feeds)
