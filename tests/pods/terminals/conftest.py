"""A Gateway's terminals with a scripted Runner on one side and web's consumer on the other, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.db import connections
from grpc import aio

from pods.gateway import terminals
from pods.gateway.hub import Hub
from pods.gateway.questions import Questions
from pods.gateway.relay import RelayServicer
from pods.gateway.session import Session
from pods.gateway.sessions import Sessions
from pods.lifecycle import PodState
from pods.models import Pod, Runner
from pods.routing import websockets
from pods.terminals.client import Terminals
from proto.mesh.v1.relay_pb2_grpc import add_RelayServicer_to_server
from proto.mesh.v1.runner_pb2_grpc import RunnerLinkServicer, add_RunnerLinkServicer_to_server
from tests import builders
from tests.pods.terminals.browser import Browser
from tests.pods.terminals.runner import FakePod, FakeRunner

EPOCH = 7


@dataclass
class World:
    """`runner` serves `pod`; `token` is the owner's."""

    pod: Pod
    runner_row: Runner
    owner: Any
    token: str
    directory: Path
    hub: Hub = field(default_factory=Hub)
    questions: Questions = field(default_factory=Questions)

    def __post_init__(self) -> None:
        self.sessions = Sessions(lambda _: None)
        self.address = f"unix:{self.directory}/gateway.sock"
        self.runner_address = f"unix:{self.directory}/runners.sock"

    def open(self, *, token: str | None = None, key: str | None = None, **query: Any) -> Browser:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return Browser(self.application, key or self.pod.key, headers, **query)

    @asynccontextmanager
    async def gateway(self) -> "AsyncIterator[World]":
        """The Gateway runs: its Session with the Runner is open, both its listeners are up."""
        self.hub, self.sessions = Hub(), Sessions(lambda _: None)
        self.session = Session(self.runner_row.pk, EPOCH)
        self.sessions.add(self.session)
        private, public = aio.server(), aio.server()
        add_RelayServicer_to_server(RelayServicer(self.hub, self.sessions, self.questions), private)
        add_RunnerLinkServicer_to_server(_Link(self), public)
        private.add_insecure_port(self.address)
        public.add_insecure_port(self.runner_address)
        await private.start()
        await public.start()
        self._servers = [private, public]
        try:
            yield self
        finally:
            await self.stop()

    async def stop(self) -> None:
        """The Gateway's process ends."""
        self.session.closing.set()
        for server in self._servers:
            await server.stop(None)

    @asynccontextmanager
    async def attached(self) -> "AsyncIterator[FakeRunner]":
        """The Runner's Terminals stream is up."""
        runner = FakeRunner(self.runner_address, EPOCH)
        runner.pods[self.pod.key] = FakePod()
        async with asyncio.TaskGroup() as group:
            group.create_task(runner.run())
            await runner.until(lambda: runner.is_greeted)
            yield runner
            runner.cut()
        await runner.close()


class _Link(RunnerLinkServicer):
    def __init__(self, world: World) -> None:
        self._world = world

    async def Terminals(self, _requests: Any, context: Any) -> None:  # noqa: N802
        world = self._world
        session = world.sessions.get(world.runner_row.pk)
        await terminals.serve(context, world.runner_row.pk, session, world.hub)


@pytest.fixture
def rows(transactional_db: None, tmp_path: Path) -> Iterator[World]:
    """The rows, and where the sockets will be."""
    settings = connections.settings["default"]
    kept, settings["CONN_MAX_AGE"] = settings["CONN_MAX_AGE"], 0  # threads leave no connection
    organization = builders.make_organization()
    owner = builders.make_user(organization=organization, role="owner")
    gateway = builders.make_gateway(address=f"unix:{tmp_path}/gateway.sock")
    runner = builders.make_runner(organization, gateway=gateway.pk)
    pod = builders.make_pod(
        organization=organization, owner=owner, runner=runner, state=PodState.RUNNING
    )
    yield World(pod, runner, owner, builders.make_token(owner), tmp_path)
    settings["CONN_MAX_AGE"] = kept


@pytest_asyncio.fixture
async def application(rows: World) -> AsyncIterator[None]:
    """Web's websockets."""
    client = Terminals(credentials=lambda: pytest.fail("a unix socket needs none"))
    rows.application = websockets(client)
    yield
    await client.close()


@pytest_asyncio.fixture
async def world(rows: World, application: None) -> AsyncIterator[World]:
    async with rows.gateway():
        yield rows


@pytest_asyncio.fixture
async def runner(world: World) -> AsyncIterator[FakeRunner]:
    async with world.attached() as runner:
        yield runner
