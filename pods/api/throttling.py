"""How often somebody may ask: counted a minute at a time, for all web processes together in Redis.

Without Redis reads are not counted and writes are counted by each process for itself: a limit may then be
reached late, but nobody is locked out and no request waits.
"""

import logging
import threading
import time
from collections import Counter
from typing import cast

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.actor import Actor
from pods import quick_redis

logger = logging.getLogger(__name__)

WINDOW_S = 60
AWAY_FOR_S = 5.0  # for how long Redis is not asked again after it failed: its time-out is paid once


class Throttle(BaseThrottle):
    def allow_request(self, request: Request, _view: APIView) -> bool:
        return is_within_limit(cast("Actor", request.auth), str(request.method))

    def wait(self) -> float:
        return left()


def check(actor: Actor, method: str) -> None:
    """Count a request outside of REST, such as a call of a tool. Raises Throttled."""
    if not is_within_limit(actor, method):
        raise Throttled(wait=left())


def is_within_limit(actor: Actor, method: str) -> bool:
    """Count this request, too."""
    reads = method in SAFE_METHODS
    limit = settings.API_READS_A_MINUTE if reads else settings.API_WRITES_A_MINUTE
    kind = "read" if reads else "write"
    return _counter.count(f"{kind}:{actor.kind}:{actor.id}", needed=not reads) <= limit


def check_stranger(address: str) -> None:
    """Count a request of somebody unknown. Raises Throttled."""
    if _counter.count(f"stranger:{address}", needed=True) > settings.API_STRANGERS_A_MINUTE:
        raise Throttled(wait=left())


class _Counter:
    def __init__(self) -> None:
        self._away_until = 0.0
        self._own: Counter[str] = Counter()
        self._own_window = 0
        self._lock = threading.Lock()

    def count(self, who: str, *, needed: bool) -> int:
        """How often `who` has asked in this minute, this time included; 0 if that is not known nor needed."""
        window = int(time.time()) // WINDOW_S
        if time.monotonic() >= self._away_until:
            try:
                return _count_in_redis(f"mesh:rate:{who}:{window}")
            except quick_redis.AWAY as error:
                self._away_until = time.monotonic() + AWAY_FOR_S
                logger.warning("limits are counted by this process alone: %s", error)
        return self._count_here(who, window) if needed else 0

    def _count_here(self, who: str, window: int) -> int:
        with self._lock:
            if window != self._own_window:
                self._own_window = window
                self._own.clear()
            self._own[who] += 1
            return self._own[who]


_counter = _Counter()


def _count_in_redis(key: str) -> int:
    with quick_redis.client(settings.REDIS_URL).pipeline(transaction=False) as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, 2 * WINDOW_S)
        count, _ = pipeline.execute()
    return int(count)


def left() -> float:
    """Seconds until the next minute begins."""
    return WINDOW_S - time.time() % WINDOW_S
