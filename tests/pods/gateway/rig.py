"""A real Gateway on free ports in the test's loop, and Runners that say exactly what the test wants."""

import asyncio
import itertools
import json
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc import aio

from pods.gateway.periods import Periods
from pods.gateway.pool import Pool
from pods.gateway.server import Gateway, GatewayConfig
from pods.models import Certificate, Command, Pod, Runner
from pods.services import certificates
from pods.services.authority import Authority
from proto.mesh.v1 import enrollment_pb2, enrollment_pb2_grpc, runner_pb2, runner_pb2_grpc

WITHIN = 60  # seconds a test waits for what must happen: a bound for a loaded machine, not a pace
QUICK = Periods(heartbeat=0.2, silence=20, sweep=0.05, row=0.1, certificate=0.2, goodbye=1, drain=5)

_names = itertools.count(1)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def csr_of(
    key: Any, *extensions: x509.ExtensionType, common_name: str = "whoever", sign_with: Any = None
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(sign_with or key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


class Rows:
    """The ORM from asyncio, from threads as the gateway does it."""

    def __init__(self) -> None:
        self._pool = Pool()

    async def __call__(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._pool.run(fn, *args, **kwargs)

    async def until(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Wait until `fn` is true, and return what it returned."""
        return await until(self, fn, *args)

    async def close(self) -> None:
        await self._pool.close()


async def until(ask: Callable[..., Any], *args: Any) -> Any:
    """Ask until the answer is true. Another process or thread changes it: there is no event to wait for."""
    async with asyncio.timeout(WITHIN):
        while not (answer := await ask(*args)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return answer


@dataclass
class Rig:
    gateway: Gateway
    authority: Authority
    internal: str
    name: str
    wishes: list[frozenset[int]]
    rows: Rows = field(default_factory=Rows)

    async def until(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Wait until `fn` on the rows is true, and return what it returned."""
        return await self.rows.until(fn, *args)

    async def credentials(self, runner: Runner, **options: Any) -> tuple[bytes, bytes]:
        """A certificate as enrollment gives it, and its row."""
        return await self.rows(certify, self.authority, runner, **options)

    @asynccontextmanager
    async def dial(
        self, runner: Runner, credentials: tuple[bytes, bytes] | None = None
    ) -> AsyncIterator["ScriptedRunner"]:
        key, certificate = credentials or await self.credentials(runner)
        tls = grpc.ssl_channel_credentials(self.authority.ca_pem, key, certificate)
        async with aio.secure_channel(
            f"127.0.0.1:{self.gateway.ports.runners}",
            tls,
            options=[("grpc.use_local_subchannel_pool", 1)],
        ) as channel:
            yield ScriptedRunner(runner_pb2_grpc.RunnerLinkStub(channel), channel)

    @asynccontextmanager
    async def session(self, runner: Runner, **hello: Any) -> AsyncIterator["ScriptedRunner"]:
        async with self.dial(runner) as scripted:
            await scripted.say_hello(**hello)
            await scripted.welcome()
            yield scripted

    @asynccontextmanager
    async def enrollment(
        self, ca_pem: bytes | None = None
    ) -> AsyncIterator[enrollment_pb2_grpc.EnrollmentStub]:
        tls = grpc.ssl_channel_credentials(ca_pem or self.authority.ca_pem)
        async with aio.secure_channel(
            f"127.0.0.1:{self.gateway.ports.enrollment}",
            tls,
            options=[("grpc.use_local_subchannel_pool", 1)],
        ) as channel:
            yield enrollment_pb2_grpc.EnrollmentStub(channel)

    async def enroll(self, token: str, csr: bytes, name: str = "box") -> Any:
        async with self.enrollment() as stub:
            request = enrollment_pb2.EnrollRequest(token=token, csr_pem=csr, name=name)
            return await stub.Enroll(request, timeout=WITHIN)


class ScriptedRunner:
    """Says what it is told to say, and nothing else."""

    def __init__(self, stub: runner_pb2_grpc.RunnerLinkStub, channel: aio.Channel) -> None:
        self.stub, self.channel = stub, channel
        self.call: Any = None
        self.epoch = 0

    async def say_hello(self, **fields: Any) -> None:
        self.call = self.stub.Session()
        await self.say(hello=runner_pb2.Hello(**{"speaks_lowest": 1, "speaks_highest": 1} | fields))

    async def say(self, **message: Any) -> None:
        await self.call.write(runner_pb2.FromRunner(**message))

    async def welcome(self) -> runner_pb2.Welcome:
        async with asyncio.timeout(WITHIN):
            first = await self.call.read()
        assert first.WhichOneof("message") == "welcome", first
        welcome = first.welcome
        self.epoch = welcome.epoch
        return welcome

    async def next(self, kind: str) -> Any:
        """The next message of that kind; heartbeats and other kinds before it are passed over."""
        async with asyncio.timeout(WITHIN):
            while (message := await self.call.read()) is not aio.EOF:
                if message.WhichOneof("message") == kind:
                    return getattr(message, kind)
        raise AssertionError(f"the Session ended without {kind}: {await self.call.code()}")

    async def end(self) -> tuple[grpc.StatusCode, str, runner_pb2.Goodbye | None]:
        """Read to the end: status, its text, and the goodbye if one came."""
        goodbye = None
        async with asyncio.timeout(WITHIN):
            try:
                while (message := await self.call.read()) is not aio.EOF:
                    if message.WhichOneof("message") == "goodbye":
                        goodbye = message.goodbye
            except aio.AioRpcError:
                pass
            return await self.call.code(), await self.call.details(), goodbye

    async def ack(self, command: runner_pb2.Command) -> None:
        await self.say(command_ack=runner_pb2.CommandAck(id=command.id))

    async def result(self, command_id: str, state: str = "done", **fields: Any) -> None:
        value = json.dumps(fields.pop("result", {})).encode()
        await self.say(
            command_result=runner_pb2.CommandResult(
                id=command_id, state=state, **{"result_json": value} | fields
            )
        )

    async def report(self, pod: str, state: Any, **fields: Any) -> None:
        await self.say(pod_report=runner_pb2.PodReport(pod=pod, state=state, **fields))


@asynccontextmanager
async def running_gateway(periods: Periods = QUICK, **config: Any) -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="mesh-gw-") as folder:
        authority = config.pop("authority", None) or Authority(Path(folder) / "ca")
        internal = config.pop("internal", f"unix:{folder}/s/gateway.sock")
        wishes: list[frozenset[int]] = []
        name = config.setdefault("id", f"gateway-{next(_names)}")
        gateway = Gateway(
            GatewayConfig(
                **{
                    "runners": "127.0.0.1:0",
                    "enrollment": "127.0.0.1:0",
                    "internal": internal,
                    "authority": authority,
                    "hosts": ["127.0.0.1", "localhost"],
                    "periods": periods,
                }
                | config
            ),
            wish=wishes.append,
        )
        started = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(gateway.serve(started.set))
            begun = group.create_task(started.wait())
            await asyncio.wait([serving, begun], return_when=asyncio.FIRST_COMPLETED)
            rig = Rig(gateway, authority, internal, name, wishes)
            try:
                yield rig
            finally:
                begun.cancel()
                gateway.stop()
                await rig.rows.close()


# ---- rows


def certify(authority: Authority, runner: Runner, **options: Any) -> tuple[bytes, bytes]:
    key = new_key()
    signed = authority.sign_runner(csr_of(key), runner.pk, **options)
    Certificate.objects.create(
        runner=runner,
        serial=certificates.serial_of(signed),
        fingerprint=signed.fingerprint(hashes.SHA256()).hex(),
        issuer=certificates.issuer_of(signed),
        not_before=signed.not_valid_before_utc,
        not_after=signed.not_valid_after_utc,
    )
    return certificates.key_pem(key), certificates.certificate_pem(signed)


def queue(runner: Runner, kind: str = "execute", pod: Pod | None = None, **fields: Any) -> str:
    """A queued Command without a wake-up: the sweep must find it."""
    from pods.services.commands import queue_command

    payload = fields.pop("payload", {})
    return str(queue_command(runner=runner, kind=kind, payload=payload, pod=pod, **fields).pk)


def states(*ids: str) -> list[str]:
    found = dict(Command.objects.filter(pk__in=ids).values_list("pk", "state"))
    return [found[uuid.UUID(id_)] for id_ in ids]


def command_is(id_: str, state: str) -> bool:
    return states(id_) == [state]


def pod_is(pod: Pod, state: str) -> bool:
    return Pod.objects.get(pk=pod.pk).state == state
