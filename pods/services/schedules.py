"""Whether the schedules run: a mark that beat and a worker renew together. It is a hint, so Redis keeps it."""

import logging
from datetime import datetime

from django.conf import settings
from django.utils.timezone import now

from pods import quick_redis

logger = logging.getLogger(__name__)

KEY = "mesh:schedules-ran-at"


def note() -> None:
    """Never raises: without Redis no schedule runs either."""
    try:
        quick_redis.client(settings.REDIS_URL).set(KEY, now().isoformat())
    except quick_redis.AWAY as error:
        logger.warning("the mark of the schedules: %s", error)


def ran_at() -> datetime | None:
    """None: not since Redis was empty. Raises one of quick_redis.AWAY."""
    kept = quick_redis.client(settings.REDIS_URL).get(KEY)
    return datetime.fromisoformat(kept.decode()) if isinstance(kept, bytes) else None
