"""The gateway as it is started for real: a Celery worker, a Valkey, processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from celery import Celery
from django.conf import settings
from django.db import connection
from grpc import aio, ssl_channel_credentials
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mesh.up.environment import redis_server
from pods.models import Gateway, Runner
from pods.services.authority import Authority
from proto.mesh.v1 import runner_pb2, runner_pb2_grpc
from tests import builders
from tests.pods.gateway import rig

pytestmark = pytest.mark.django_db(transaction=True)

WAKED = 0.5  # seconds; by its sweep alone the typical Command takes 1 s
ROOT = Path(settings.BASE_DIR)
WORKER = [
    "-m",
    "celery",
    "-A",
    "mesh",
    "worker",
    "-Q",
    "gateway.test",
    "--pool",
    "threads",
    "--concurrency",
    "4",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "-l",
    "INFO",
]


@dataclass
class Processes:
    home: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def redis(self) -> str:
        return f"unix://{self.home}/redis.sock"

    def start_valkey(self) -> subprocess.Popen[bytes]:
        options = ["--port", "0", "--unixsocket", f"{self.home}/redis.sock", "--save", ""]
        return self._start([redis_server(), *options], {})

    def start_gateway(self) -> subprocess.Popen[bytes]:
        return self._start(
            [sys.executable, *WORKER],
            {
                "DJANGO_SETTINGS_MODULE": "mesh.settings",
                "MESH_HOME": str(self.home),
                "DATABASE_URL": database_url(),
                "REDIS_URL": self.redis,
                "MESH_GATEWAY_NAME": "test",
                "MESH_GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
                "MESH_ENROLL_LISTEN": "127.0.0.1:0",
                "MESH_GATEWAY_INTERNAL": f"unix:{self.home}/s/gateway.sock",
            },
        )

    @property
    def port(self) -> int:
        return 20_000 + os.getpid() % 20_000

    def wake(self, runner: Runner) -> None:
        """As `pods.tasks.wake` is sent by web."""
        with Celery(
            broker=self.redis.replace("unix", "redis+socket", 1), set_as_current=False
        ) as app:
            app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
            app.send_task(
                "pods.wake",
                [runner.pk],
                queue=f"runner.{runner.pk}",
                expires=60,
                ignore_result=True,
            )

    def owed(self, runner: Runner) -> int:
        """Wake-ups for this Runner that nobody has taken."""
        with redis.Redis(unix_socket_path=f"{self.home}/redis.sock") as client:
            return client.llen(f"mesh:runner.{runner.pk}")

    def _start(self, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | env, stdout=log, stderr=log
            )
        self.running.append(process)
        return process


def database_url() -> str:
    """Of the test's own database, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@pytest.fixture
async def rows() -> AsyncIterator[rig.Rows]:
    made = rig.Rows()
    yield made
    await made.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    with tempfile.TemporaryDirectory(prefix="mesh-") as home:
        started = Processes(Path(home))
        try:
            yield started
        finally:
            for process in started.running:
                process.terminate()
            for process in started.running:
                process.wait(15)
            sys.stderr.write((Path(home) / "log").read_text())  # shown if the test fails


@asynccontextmanager
async def attached(
    processes: Processes, rows: rig.Rows, runner: Runner
) -> AsyncIterator[rig.ScriptedRunner]:
    authority = Authority(processes.home / "ca")
    key, certificate = await rows(rig.certify, authority, runner)
    tls = ssl_channel_credentials(authority.ca_pem, key, certificate)
    async with aio.secure_channel(f"127.0.0.1:{processes.port}", tls) as channel:
        link = rig.ScriptedRunner(runner_pb2_grpc.RunnerLinkStub(channel), channel)
        await link.say_hello()
        await link.welcome()
        yield link


async def served(rows: rig.Rows) -> str:
    """The gateway's private address, once it has its ports."""
    return (await rows.until(Gateway.objects.filter(pk="test").first)).address


async def health(address: str, service: str) -> str:
    async with aio.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


async def test_without_a_broker_it_serves_runners_by_its_sweep_and_stops_in_time(
    processes: Processes, rows: rig.Rows
) -> None:
    gateway = processes.start_gateway()
    address = await served(rows)
    assert address == f"unix:{processes.home}/s/gateway.sock"
    runner = await rows(builders.make_runner, online=False)
    async with attached(processes, rows, runner) as link:
        id_ = await rows(rig.queue, runner)
        assert (await link.next("command")).id == id_
        assert await health(address, "") == "SERVING"
        assert await health(address, "broker") == "NOT_SERVING"

        gateway.send_signal(signal.SIGTERM)
        code, _, goodbye = await link.end()
        assert (code.name, goodbye.reason) == ("UNAVAILABLE", runner_pb2.Goodbye.DRAINING)
    assert await asyncio.to_thread(gateway.wait, 10) == 0
    assert not await rows(Gateway.objects.filter(pk="test").exists)
    assert (await rows(Runner.objects.get, pk=runner.pk)).gateway == ""


async def test_a_wake_up_is_quicker_than_the_sweep_also_after_the_broker_was_away(
    processes: Processes, rows: rig.Rows
) -> None:
    valkey = processes.start_valkey()
    processes.start_gateway()
    address = await served(rows)
    runner = await rows(builders.make_runner, online=False)
    async with attached(processes, rows, runner) as link:
        assert await typical_delay(processes, rows, runner, link) < WAKED
        valkey.kill()
        valkey.wait()
        await until_health(address, "broker", "NOT_SERVING")
        assert await health(address, "") == "SERVING"
        processes.start_valkey()
        await until_health(address, "broker", "SERVING")
        assert await typical_delay(processes, rows, runner, link) < WAKED
    await rows.until(lambda: processes.owed(runner) == 0)


async def typical_delay(
    processes: Processes, rows: rig.Rows, runner: Runner, link: rig.ScriptedRunner
) -> float:
    delays = []
    for _ in range(9):
        id_ = await rows(rig.queue, runner)
        began = time.monotonic()
        await asyncio.to_thread(processes.wake, runner)
        command = await link.next("command")
        delays.append(time.monotonic() - began)
        assert command.id == id_
        await link.ack(command)
    return sorted(delays)[len(delays) // 2]


async def until_health(address: str, service: str, status: str) -> None:
    async def is_so() -> bool:
        return await health(address, service) == status

    await rig.until(is_so)
