"""“Something changed”: small hints by channel-layer group, lossy on purpose; who hears one refetches."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def _telling() -> Iterator[Callable[[_Key, str], None]]:
    """One loop for the thread's life: a layer's connections live with their loop."""
    with asyncio.Runner() as runner:

        def tell(key: _Key, state: str) -> None:
            try:
                runner.run(_send(key, state))
            except (RedisError, OSError) as error:  # TimeoutError is one
                logger.debug("news of %s not sent: %s", key, error)

        yield tell


async def _send(key: _Key, state: str) -> None:
    organization_id, kind, name = key
    message = {"type": "news", "kind": kind, "key": name, "state": state}
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await get_channel_layer().group_send(group(organization_id), message)


_announcer = Aside("news", _telling)
