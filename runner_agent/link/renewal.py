"""A new certificate in time, asked for on the live connection."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent import config as configs
from runner_agent.config import Config
from runner_agent.link import enroll
from runner_agent.link import identity as identities
from runner_agent.link.identity import Identity

CALL_S = 30.0
LOOK_AT_CLOCK_S = 3600.0  # the machine may sleep, or its clock be set

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


async def until_due(identity: Identity, clock: Clock = utc_now) -> None:
    while (left := (identity.renew_at - clock()).total_seconds()) > 0:  # noqa: ASYNC110 - a clock
        await asyncio.sleep(min(left, LOOK_AT_CLOCK_S))


async def renew(config: Config, stub: Any, identity: Identity) -> Identity:
    """The next certificate for the same key, kept on disk. Raises AioRpcError, IdentityError."""
    csr = identities.signing_request(identity.key_pem)
    reply: pb.RenewReply = await stub.Renew(pb.RenewRequest(csr_pem=csr), timeout=CALL_S)
    renewed = identities.make(
        identity.key_pem, reply.certificate_pem, reply.ca_pem or identity.ca_pem, utc_now()
    )
    await asyncio.to_thread(_keep, config, renewed, tuple(reply.gateways))
    await asyncio.to_thread(identities.pin_release_key, config, reply.release_key)
    logger.info("the certificate was renewed; it is valid until %s", renewed.not_after)
    return renewed


def renew_expired(config: Config, identity: Identity) -> Identity:
    """The same without a Session, which an expired certificate opens no more. Raises EnrollError, IdentityError."""
    reply = enroll.renew_expired(config.server, identity)
    renewed = identities.make(
        identity.key_pem, reply.certificate_pem, reply.ca_pem or identity.ca_pem, utc_now()
    )
    _keep(config, renewed, tuple(reply.gateways))
    logger.warning("the expired certificate was renewed; it is valid until %s", renewed.not_after)
    return renewed


def _keep(config: Config, renewed: Identity, gateways: tuple[str, ...]) -> None:
    identities.save(config, renewed)
    if config.enrolled and gateways:
        configs.save_enrolled(config, dataclasses.replace(config.enrolled, gateways=gateways))
