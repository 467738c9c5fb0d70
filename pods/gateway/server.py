"""The Gateway: its servers, its Sessions, and what it looks after. Knows nothing of Celery."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from grpc import aio
from grpc_health.v1 import health_pb2_grpc

from pods.gateway import listeners
from pods.gateway.enrollment import EnrollmentService
from pods.gateway.hub import Hub
from pods.gateway.identity import Standing
from pods.gateway.intake import Shared
from pods.gateway.link import RunnerLink
from pods.gateway.periods import Periods
from pods.gateway.pool import Pool
from pods.gateway.questions import Questions
from pods.gateway.relay import RelayServicer
from pods.gateway.sessions import QueueWish, Sessions
from pods.gateway.sweep import Placer, Sweep
from pods.gateway.upkeep import Upkeep
from pods.services import gateways
from pods.services.authority import Authority, authority
from pods.together import until_one_ends
from proto.mesh.v1 import enrollment_pb2_grpc, relay_pb2_grpc, runner_pb2_grpc

logger = logging.getLogger(__name__)

STOP_S = 1  # given to calls that are under way when the servers stop


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Addresses are host:port; `internal` may be unix:/path. Port 0 takes a free one."""

    id: str
    runners: str
    enrollment: str
    internal: str
    authority: Authority
    hosts: Sequence[str]  # names and addresses in the server certificate
    periods: Periods = field(default_factory=Periods)


def configured() -> GatewayConfig:
    """As the settings have it."""
    return GatewayConfig(
        id=settings.GATEWAY_NAME,
        runners=settings.GATEWAY_LISTEN,
        enrollment=settings.ENROLL_LISTEN,
        internal=settings.GATEWAY_INTERNAL,
        authority=authority(),
        hosts=list(dict.fromkeys([settings.PUBLIC_HOST, "localhost", "127.0.0.1", *_dialled()])),
    )


def _dialled() -> Iterator[str]:
    """Hosts by which this gateway is dialled: by web, and by Runners, perhaps through a balancer."""
    for address in (
        settings.GATEWAY_INTERNAL,
        settings.ENROLL_ADDRESS,
        *settings.GATEWAY_ADDRESSES,
    ):
        if not address.startswith(listeners.UNIX):
            yield address.rpartition(":")[0].strip("[]")


@dataclass(frozen=True, slots=True)
class Ports:
    runners: int = 0
    enrollment: int = 0
    internal: int = 0


class Gateway:
    """Made and served in one loop. `wish` is told which Runners' queues are wanted; it must return at once."""

    def __init__(self, config: GatewayConfig, wish: QueueWish = lambda _runners: None) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._pool = Pool()
        self.sessions = Sessions(wish)
        self.ports = Ports()
        hub, questions = Hub(), Questions()
        standing = Standing(self._pool, config.periods.certificate)
        placer = Placer(self._pool)
        sweep = Sweep(self.sessions, standing, self._pool)
        self.upkeep = Upkeep(sweep, placer, self._pool, config.authority)
        shared = Shared(
            self._pool, standing, hub, questions, placer.want, lambda: self.upkeep.trusted
        )
        self._link = RunnerLink(config.id, self.sessions, shared, config.periods)
        self._relay = RelayServicer(hub, self.sessions, questions)

    def stop(self) -> None:
        """From any thread: let each Runner know, then end."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def serve(self, started: Callable[[], None] = lambda: None) -> None:
        """Until `stop`; `started` is called once Runners can dial. Raises what keeps it from starting."""
        servers: list[aio.Server] = []
        try:
            await self._listen(servers)
            await self._pool.run(gateways.open_gateway, self._config.id, self._address())
            logger.info("gateway %s: Runners on port %d", self._config.id, self.ports.runners)
            started()
            await until_one_ends(
                self.upkeep.run(self._config.id, self._address(), self._config.periods),
                self._until_drained(),
            )
        finally:
            for server in servers:
                await server.stop(STOP_S)
            await self._pool.run(gateways.close_gateway, self._config.id)
            await self._pool.close()

    async def _listen(self, servers: list[aio.Server]) -> None:
        """Three servers: a service cannot be bound to one port of a server."""
        config = self._config
        certificate = await self._pool.run(
            listeners.ServerCertificate, config.authority, config.id, config.hosts
        )
        runners, strangers = listeners.server(), listeners.server()
        private = listeners.private_server(config.internal)
        runner_pb2_grpc.add_RunnerLinkServicer_to_server(self._link, runners)
        enrollment = EnrollmentService(self._pool)
        enrollment_pb2_grpc.add_EnrollmentServicer_to_server(enrollment, strangers)
        relay_pb2_grpc.add_RelayServicer_to_server(self._relay, private)
        health_pb2_grpc.add_HealthServicer_to_server(self.upkeep.health, private)
        for_runners = certificate.credentials(for_certified=True)
        for_strangers = certificate.credentials(for_certified=False)
        self.ports = Ports(
            runners=runners.add_secure_port(config.runners, for_runners),
            enrollment=strangers.add_secure_port(config.enrollment, for_strangers),
            internal=listeners.bind_private(private, config.internal, certificate),
        )
        for server in (runners, strangers, private):
            await server.start()
            servers.append(server)

    def _address(self) -> str:
        """Where web dials."""
        internal = self._config.internal
        if internal.startswith(listeners.UNIX):
            return internal
        return f"{internal.rpartition(':')[0]}:{self.ports.internal}"

    async def _until_drained(self) -> None:
        await self._stopping.wait()
        await self.upkeep.health.enter_graceful_shutdown()
        try:
            async with asyncio.timeout(self._config.periods.drain):
                await self._link.drain(self._config.periods.drain / 2)
                await self.sessions.empty.wait()
        except TimeoutError:
            logger.warning("%d Sessions did not end in time", len(self.sessions))
