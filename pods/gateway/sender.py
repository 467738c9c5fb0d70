"""Sends a Runner its Commands: in order, at most WINDOW unacknowledged, and only what the rows say is queued."""

import logging

from pods.gateway.pool import Pool
from pods.gateway.session import Session
from pods.services.dispatch import take
from pods.services.sessions import Attachment

logger = logging.getLogger(__name__)

WINDOW = 32  # Commands sent and not yet in the Runner's ledger


async def send_commands(session: Session, attachment: Attachment, pool: Pool) -> None:
    """Until cancelled. Raises StaleEpochError, SessionClosedError."""
    while True:
        await session.wanted.wait()
        session.wanted.clear()
        while room := WINDOW - len(session.in_flight):
            batch = await pool.run(take, attachment, room)
            if not batch:
                break
            session.in_flight |= {command.id: command.queued_at_ms for command in batch}
            for command in batch:
                await session.send(command)
                about = {"request_id": command.trace} if command.trace else {}
                logger.info("sent %s: %s %s", command.id, command.kind, command.pod, extra=about)
