"""What is well, what is not, and since when."""

import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Max
from django.utils.timezone import now

from pods import quick_redis
from pods.models import Gateway

logger = logging.getLogger(__name__)

GATEWAY_SILENT_AFTER = timedelta(seconds=20)
DISK_LEFT = 1 << 20  # bytes; with fewer nothing can be written
OK = "ok"


def parts() -> dict[str, str]:
    """ "ok", or what is wrong, by name."""
    return {name: check() for name, check in _CHECKS.items()}


class Troubles:
    """Since when each part is not well, as far as this process has seen."""

    def __init__(self) -> None:
        self._began: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def since(self, found: dict[str, str]) -> dict[str, datetime]:
        """Of the parts that are not well. A part that is well begins anew."""
        with self._lock:
            wrong = {name for name, state in found.items() if state != OK}
            for name in wrong - self._began.keys():
                self._began[name] = _seen_last(name) or now()
                logger.warning("degraded: %s is %s", name, found[name])
            for name in self._began.keys() - wrong:
                del self._began[name]
                logger.info("well again: %s", name)
            return dict(self._began)


def _seen_last(part: str) -> datetime | None:
    """What the rows know better than a process that has just begun to ask."""
    if part != "gateway":
        return None
    try:
        seen: datetime | None = Gateway.objects.aggregate(at=Max("seen_at"))["at"]
    except DatabaseError:
        return None
    return seen


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("database: %s", error)
        return "away"
    return OK


def _redis() -> str:
    try:
        quick_redis.client(settings.REDIS_URL).ping()
    except quick_redis.AWAY as error:
        logger.warning("redis: %s", error)
        return "away"
    return OK


def _gateway() -> str:
    try:
        seen = Gateway.objects.filter(seen_at__gt=now() - GATEWAY_SILENT_AFTER).exists()
    except DatabaseError:
        return "unknown"
    return OK if seen else "away"


def _disk() -> str:
    found = os.statvfs(settings.HOME.root)
    return OK if found.f_bavail * found.f_frsize > DISK_LEFT else "full"


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "disk": _disk,
    "redis": _redis,
    "gateway": _gateway,
}
