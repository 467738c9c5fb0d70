"""“Something changed”: small hints by channel-layer group, lossy on purpose; who hears one refetches.

One thread a process sends them, so that no request and no gateway ever waits for Redis.
"""

import asyncio
import logging
import os
import threading
from collections import OrderedDict
from functools import partial

from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

UNSENT_MAX = 1024  # changed things a slow Redis may owe; the oldest hints go first
SEND_TIMEOUT_S = 1.0

_Key = tuple[int, str, str]


def group(organization_id: int) -> str:
    return f"news.{organization_id}"


def announce(organization_id: int, kind: str, key: str, state: str = "") -> None:
    """`kind`: pod, runner, command, repository or workspace. Sent after the commit; never raises."""
    transaction.on_commit(partial(_tell, (organization_id, kind, key), state), robust=True)


class _Announcer:
    """Hints wait here, one for each thing that changed, until the thread has sent them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._unsent: OrderedDict[_Key, str] = OrderedDict()
        threading.Thread(target=self._run, name="news", daemon=True).start()

    def put(self, key: _Key, state: str) -> None:
        with self._changed:
            self._unsent[key] = state
            self._unsent.move_to_end(key)
            while len(self._unsent) > UNSENT_MAX:
                self._unsent.popitem(last=False)
            self._changed.notify()

    def _take(self) -> tuple[_Key, str]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._unsent))
            return self._unsent.popitem(last=False)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while True:
                runner.run(_send(*self._take()))


async def _send(key: _Key, state: str) -> None:
    organization_id, kind, name = key
    message = {"type": "news", "kind": kind, "key": name, "state": state}
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await get_channel_layer().group_send(group(organization_id), message)
    except Exception:  # the root of this thread's work
        logger.debug("news of %s %s not sent", kind, name, exc_info=True)


_announcers: dict[int, _Announcer] = {}  # by process: a forked child has no thread of its parent's
_making = threading.Lock()


def _tell(key: _Key, state: str) -> None:
    with _making:
        announcer = _announcers.get(os.getpid())
        if announcer is None:
            announcer = _announcers[os.getpid()] = _Announcer()
    announcer.put(key, state)
