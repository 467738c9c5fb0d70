"""The archive of a release, over the Runner's own connection to its server; and the wish for an update.

Not by HTTP: the server's pages may be out of reach for a Runner, behind a proxy or a sign-in of somebody else's, while
this connection is there, is encrypted, and knows by its certificate who asks. So no ticket has to be made or kept.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc import aio

from proto.mesh.v1 import runner_pb2 as pb
from proto.mesh.v1 import runner_pb2_grpc
from runner_agent.errors import ToldError
from runner_agent.link.dial import dial
from runner_agent.link.identity import Identity
from runner_agent.link.link import Link, is_passing

SILENCE_S = 60.0  # without a byte the stream is opened anew
ASK_S = 20.0


class NotThereError(ToldError):
    """The server does not have that archive, or not that much of it."""


class BrokenOffError(Exception):
    """The stream broke: going on where it broke may help."""


async def archive(link: Link, sha256: str, offset: int) -> AsyncIterator[bytes]:
    """From `offset` to its end. Raises BrokenOffError, NotThereError."""
    stub = await link.stub(SILENCE_S)
    if stub is None:
        raise BrokenOffError("no Gateway can be reached")
    call: Any = stub.FetchRelease(pb.ReleaseRequest(sha256=sha256, offset=offset))
    try:
        while True:
            async with asyncio.timeout(SILENCE_S):
                chunk = await call.read()
            if not isinstance(chunk, pb.ReleaseChunk):
                return
            yield chunk.data
    except TimeoutError as error:
        raise BrokenOffError(f"nothing came for {SILENCE_S:.0f} s") from error
    except aio.AioRpcError as error:
        said = error.details() or error.code().name
        if is_passing(error.code()):
            raise BrokenOffError(said) from error
        raise NotThereError(said) from error
    finally:
        call.cancel()


async def ask(gateways: tuple[str, ...], identity: Identity, request: pb.UpdateRequest) -> str:
    """The version that this Runner will be told to take. Raises ToldError."""
    said = "This Runner knows no Gateway."
    for gateway in gateways:
        async with dial(gateway, identity) as channel:
            stub = runner_pb2_grpc.RunnerLinkStub(channel)
            try:
                reply: pb.UpdateReply = await stub.AskUpdate(request, timeout=ASK_S)
            except aio.AioRpcError as error:
                said = error.details() or error.code().name
                if error.code() not in {
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                }:
                    raise ToldError(said) from error
            else:
                return str(reply.version)
    raise ToldError(f"The server cannot be reached: {said}")
