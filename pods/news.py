"""“Something changed”: small hints by channel-layer group, lossy on purpose; who hears one refetches."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from pods.aside import Aside

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 1.0

Content = dict[str, Any]

_Key = tuple[int, str, str]
_Said = tuple[str, Content | None]


def group(organization_id: int) -> str:
    return f"news.{organization_id}"


def announce(
    organization_id: int, kind: str, key: str, state: str = "", content: Content | None = None
) -> None:
    """`kind`: pod, runner, command, repository or workspace. Sent after the commit; never waits or raises.

    `content`: what is new, as JSON, for who can do with it without looking; like all news it may be lost.
    """
    tell = partial(_announcer.put, (organization_id, kind, key), (state, content))
    transaction.on_commit(tell, robust=True)


@contextmanager
def _telling() -> Iterator[Callable[[_Key, _Said], None]]:
    """One loop for the thread's life: a layer's connections live with their loop."""
    with asyncio.Runner() as runner:

        def tell(key: _Key, said: _Said) -> None:
            try:
                runner.run(_send(key, said))
            except (RedisError, OSError) as error:  # TimeoutError is one
                logger.debug("news of %s not sent: %s", key, error)

        yield tell


async def _send(key: _Key, said: _Said) -> None:
    (organization_id, kind, name), (state, content) = key, said
    message: Content = {"type": "news", "kind": kind, "key": name, "state": state}
    if content:
        message["content"] = content
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await get_channel_layer().group_send(group(organization_id), message)


_announcer = Aside("news", _telling)
