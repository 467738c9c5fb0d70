"""The Enrollment servicer: the caller has a token and no certificate yet."""

import asyncio
import logging

import grpc

from pods.gateway.calls import Context, abort
from pods.gateway.pool import Pool
from pods.services import enrollment
from pods.services.signing_requests import BadRequestError
from proto.mesh.v1 import enrollment_pb2 as pb
from proto.mesh.v1 import enrollment_pb2_grpc as rpc

logger = logging.getLogger(__name__)

AT_ONCE = 4  # of the pool's eight threads: strangers must not hold up Sessions
TOKEN_MAX = 200


class EnrollmentService(rpc.EnrollmentServicer):
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._room = asyncio.Semaphore(AT_ONCE)

    async def Enroll(  # noqa: N802
        self, request: pb.EnrollRequest, context: Context
    ) -> pb.EnrollReply:
        if self._room.locked():
            await abort(
                context,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "Too many enrollments at once. Try again.",
            )
        async with self._room:
            enrolled = await self._enroll(request, context)
        logger.info("enrolled Runner %s (%s)", enrolled.runner_id, enrolled.name)
        return pb.EnrollReply(
            runner_id=enrolled.runner_id,
            name=enrolled.name,
            certificate_pem=enrolled.certificate_pem,
            ca_pem=enrolled.ca_pem,
            gateways=enrolled.gateways,
            release_key=enrolled.release_key,
        )

    async def _enroll(self, request: pb.EnrollRequest, context: Context) -> enrollment.Enrolled:
        try:
            return await self._pool.run(
                enrollment.enroll, request.token[:TOKEN_MAX], request.csr_pem, request.name
            )
        except enrollment.BadTokenError as bad:
            await abort(context, grpc.StatusCode.UNAUTHENTICATED, bad.message)
        except BadRequestError as bad:
            await abort(context, grpc.StatusCode.INVALID_ARGUMENT, bad.message)
