"""The Enrollment servicer: the caller has a token and no certificate yet, or one that has expired."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import grpc

from pods.gateway.calls import Context, abort
from pods.gateway.pool import Pool
from pods.services import enrollment
from pods.services.sessions import RunnerRefusedError
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
        token = request.token[:TOKEN_MAX]
        return await self._certify(
            context, partial(enrollment.enroll, token, request.csr_pem, request.name)
        )

    async def RenewExpired(  # noqa: N802
        self, request: pb.RenewExpiredRequest, context: Context
    ) -> pb.EnrollReply:
        return await self._certify(
            context, partial(enrollment.renew_expired, request.certificate_pem, request.csr_pem)
        )

    async def _certify(
        self, context: Context, enroll: Callable[[], enrollment.Enrolled]
    ) -> pb.EnrollReply:
        if self._room.locked():
            await abort(
                context,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "Too many enrollments at once. Try again.",
            )
        async with self._room:
            try:
                enrolled = await self._pool.run(enroll)
            except enrollment.BadTokenError as bad:
                await abort(context, grpc.StatusCode.UNAUTHENTICATED, bad.message)
            except RunnerRefusedError as refused:
                await abort(context, grpc.StatusCode.PERMISSION_DENIED, refused.message)
            except BadRequestError as bad:
                await abort(context, grpc.StatusCode.INVALID_ARGUMENT, bad.message)
        logger.info("certified Runner %s (%s)", enrolled.runner_id, enrolled.name)
        return pb.EnrollReply(
            runner_id=enrolled.runner_id,
            name=enrolled.name,
            certificate_pem=enrolled.certificate_pem,
            ca_pem=enrolled.ca_pem,
            gateways=enrolled.gateways,
            release_key=enrolled.release_key,
        )
