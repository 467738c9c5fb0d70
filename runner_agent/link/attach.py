"""How a Session comes about: dial a Gateway, say hello, be welcomed."""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import aio

from proto.mesh.v1 import runner_pb2 as pb
from proto.mesh.v1 import runner_pb2_grpc
from runner_agent.link import wire
from runner_agent.link.dial import dial
from runner_agent.link.identity import Identity
from runner_agent.session_messages import Goodbye, Hello, Welcome

ATTACH_WITHIN_S = 15.0  # from dialling to the welcome

SessionCall = aio.StreamStreamCall[pb.FromRunner, pb.ToRunner]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a Session ended: by the Gateway's goodbye, by a stream that broke (`code`), or by silence."""

    text: str
    goodbye: Goodbye | None = None
    code: grpc.StatusCode | None = None


class AttachError(Exception):
    """No Session came about."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.text)
        self.ended = ended


@dataclass(frozen=True, slots=True)
class Attached:
    """An open connection with a Session on it. Close it."""

    gateway: str
    channel: aio.Channel
    stub: Any  # RunnerLinkStub: gRPC generates it without types
    call: SessionCall
    welcome: Welcome

    async def close(self) -> None:
        await self.channel.close(None)


async def attach(gateway: str, identity: Identity, hello: Hello) -> Attached:
    """Raises AttachError; nothing stays open then, nor when it is cancelled."""
    channel = dial(gateway, identity)
    try:
        stub = runner_pb2_grpc.RunnerLinkStub(channel)
        call: SessionCall = stub.Session()
        async with asyncio.timeout(ATTACH_WITHIN_S):
            await call.write(wire.encode(hello))
            welcome = _welcome(await call.read())
    except aio.AioRpcError as error:
        await channel.close(None)
        raise AttachError(broken(error)) from error
    except (TimeoutError, asyncio.InvalidStateError, wire.WireError) as error:
        await channel.close(None)
        text = str(error) or f"{gateway} did not answer in {ATTACH_WITHIN_S:.0f} s."
        raise AttachError(Ended(text)) from error
    except BaseException:
        await channel.close(None)
        raise
    return Attached(gateway, channel, stub, call, welcome)


def broken(error: aio.AioRpcError) -> Ended:
    return Ended(error.details() or error.code().name, code=error.code())


def _welcome(answer: object) -> Welcome:
    if not isinstance(answer, pb.ToRunner):
        raise wire.WireError("The Gateway ended the Session without a word.")
    heard = wire.decode(answer)
    if isinstance(heard, Goodbye):
        raise AttachError(Ended(heard.text, goodbye=heard))
    if not isinstance(heard, Welcome):
        raise wire.WireError("The Gateway's first word was no welcome.")
    lowest, highest = wire.SPEAKS
    if not lowest <= heard.protocol <= highest:
        text = f"The Gateway chose protocol {heard.protocol}; this Runner speaks {lowest} to {highest}."
        raise AttachError(Ended(text, goodbye=Goodbye("protocol", text)))
    return heard
