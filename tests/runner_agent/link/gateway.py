"""A Gateway that does what the test says, on real gRPC with mTLS; and a way to it that can be cut."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import grpc
from cryptography import x509
from grpc import aio

from proto.mesh.v1 import runner_pb2 as pb
from proto.mesh.v1 import runner_pb2_grpc as rpc
from tests.runner_agent.link.authority import LIFE, Authority

SOON_S = 5.0


class Stream:
    """The Gateway's end of one stream. It lives until `over` is set, then ends with `status`."""

    def __init__(self, context: aio.ServicerContext) -> None:
        self._context = context
        self.over = asyncio.Event()
        self.status = (grpc.StatusCode.OK, "")
        self.serial = x509.load_pem_x509_certificate(
            context.auth_context()["x509_pem_cert"][0]
        ).serial_number

    async def read(self):
        async with asyncio.timeout(SOON_S):
            return await self._context.read()

    async def heard(self, kind: str):
        """The next message of this kind; others are passed over."""
        while True:
            message = await self.read()
            assert message is not aio.EOF, f"the stream ended before a {kind} came"
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)

    async def say(self, message) -> None:
        await self._context.write(message)

    def end(self, code: grpc.StatusCode = grpc.StatusCode.OK, text: str = "") -> None:
        self.status = (code, text)
        self.over.set()

    async def hold(self) -> None:
        await self.over.wait()
        code, text = self.status
        if code != grpc.StatusCode.OK:
            await self._context.abort(code, text)


class SessionStream(Stream):
    async def welcome(self, epoch: int = 1, protocol: int = 1) -> pb.Hello:
        hello = await self.heard("hello")
        await self.say(
            pb.ToRunner(welcome=pb.Welcome(epoch=epoch, protocol=protocol, runner_name="alpha"))
        )
        return hello

    async def goodbye(self, reason: str, text: str = "because") -> None:
        await self.say(pb.ToRunner(goodbye=pb.Goodbye(reason=reason.upper(), text=text)))

    async def command(
        self, id_: str, kind: str = "start", pod: str = "pod-1", seq: int = 1, **payload
    ):
        await self.say(
            pb.ToRunner(
                command=pb.Command(
                    id=id_, seq=seq, kind=kind, pod=pod, payload_json=json.dumps(payload).encode()
                )
            )
        )


class ScriptedGateway(rpc.RunnerLinkServicer):
    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.sessions: asyncio.Queue[SessionStream] = asyncio.Queue()
        self.terminals: asyncio.Queue[Stream] = asyncio.Queue()
        self.answers: asyncio.Queue[pb.Answer] = asyncio.Queue()
        self.renewed_life = LIFE
        self.renewals = 0
        self.address = ""

    async def Session(self, _requests, context) -> None:  # noqa: N802
        stream = SessionStream(context)
        self.sessions.put_nowait(stream)
        await stream.hold()

    async def Terminals(self, _requests, context) -> None:  # noqa: N802
        stream = Stream(context)
        self.terminals.put_nowait(stream)
        await stream.hold()

    async def SendAnswer(self, answer, _context):  # noqa: N802
        self.answers.put_nowait(answer)
        return pb.Received()

    async def Renew(self, request, _context):  # noqa: N802
        self.renewals += 1
        return pb.RenewReply(
            certificate_pem=self.authority.sign(request.csr_pem, self.renewed_life),
            ca_pem=self.authority.ca_pem,
        )

    async def session(self) -> SessionStream:
        async with asyncio.timeout(SOON_S):
            return await self.sessions.get()

    async def terminal_stream(self) -> Stream:
        async with asyncio.timeout(SOON_S):
            return await self.terminals.get()

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator["ScriptedGateway"]:
        server = aio.server(options=[("grpc.so_reuseport", 0)])
        rpc.add_RunnerLinkServicer_to_server(self, server)
        credentials = grpc.ssl_server_credentials(
            [self.authority.server()], self.authority.ca_pem, require_client_auth=True
        )
        bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
        self.address = f"127.0.0.1:{bound}"
        await server.start()
        try:
            yield self
        finally:
            await server.stop(None)


class Way:
    """A TCP relay to a Gateway that can fall silent in both directions while its connections stay open."""

    def __init__(self, address: str) -> None:
        self._target = address.rpartition(":")[2]
        self.open = asyncio.Event()
        self.open.set()
        self.address = ""

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Way"]:
        async with asyncio.TaskGroup() as group:
            server = await asyncio.start_server(
                lambda r, w: group.create_task(self._relay(r, w)), "127.0.0.1"
            )
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                server.close()
                for task in asyncio.all_tasks():
                    if task.get_coro().__qualname__.startswith("Way._relay"):
                        task.cancel()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", int(self._target))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, there_writer))
                group.create_task(self._pump(there_reader, writer))
        finally:
            writer.close()
            there_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self.open.wait()
                writer.write(data)
        writer.close()
