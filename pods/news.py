"""“Something changed”: small hints by channel-layer group, lossy on purpose; who hears one refetches."""

import asyncio
import logging
import threading
from functools import partial

from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from pods.aside import Aside

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 1.0

_Key = tuple[int, str, str]


def group(organization_id: int) -> str:
    return f"news.{organization_id}"


def announce(organization_id: int, kind: str, key: str, state: str = "") -> None:
    """`kind`: pod, runner, command, repository or workspace. Sent after the commit; never waits or raises."""
    tell = partial(_announcer.put, (organization_id, kind, key), state)
    transaction.on_commit(tell, robust=True)


def _tell(key: _Key, state: str) -> None:
    organization_id, kind, name = key
    message = {"type": "news", "kind": kind, "key": name, "state": state}
    try:
        _runner().run(_send(group(organization_id), message))
    except (RedisError, OSError) as error:  # TimeoutError is one
        logger.debug("news of %s %s not sent: %s", kind, name, error)


async def _send(to: str, message: dict[str, str]) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await get_channel_layer().group_send(to, message)


_announcer = Aside("news", _tell)
_own = threading.local()


def _runner() -> asyncio.Runner:
    """The loop of the thread that sends: a layer's connections live with their loop."""
    if not hasattr(_own, "runner"):
        _own.runner = asyncio.Runner()
    runner: asyncio.Runner = _own.runner
    return runner
