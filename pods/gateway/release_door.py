"""Releases handed to Runners over their own connection, and updates that are asked for at their machines."""

from collections.abc import Iterator

import grpc

from pods.errors import MeshError
from pods.gateway.calls import Context, abort, written
from pods.gateway.pool import Pool
from pods.services import releases, updates
from pods.services.updates import Wish
from pods.updates import After, Mode
from proto.mesh.v1 import runner_pb2 as pb


async def send(request: pb.ReleaseRequest, context: Context, pool: Pool) -> None:
    """As fast as the Runner takes it: gRPC's own window holds the rest back."""
    try:
        path = await pool.run(releases.offered, request.sha256)
    except MeshError as error:
        await abort(context, grpc.StatusCode.NOT_FOUND, error.message)
    if request.offset > path.stat().st_size:
        await abort(context, grpc.StatusCode.OUT_OF_RANGE, "The archive is not that long.")
    chunks = releases.chunks(path, request.offset)
    while data := await pool.run(_next, chunks):
        if not await written(context, pb.ReleaseChunk(data=data)):
            return


async def ask(
    runner_id: int, request: pb.UpdateRequest, context: Context, pool: Pool
) -> pb.UpdateReply:
    try:
        wish = Wish(
            version=request.version,
            mode=Mode(request.mode or Mode.HANDOVER),
            wait_s=request.wait_s or None,
            after=After(request.after or After.HANDOVER),
        )
        attempt = await pool.run(updates.ask_for_itself, runner_id, wish)
    except MeshError as error:
        await abort(context, grpc.StatusCode.FAILED_PRECONDITION, error.message)
    except ValueError as error:
        await abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
    return pb.UpdateReply(version=attempt.version)


def _next(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")
