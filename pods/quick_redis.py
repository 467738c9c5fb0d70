"""Redis for what can do without it: an answer within a blink, or none."""

from functools import lru_cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

AWAY = (RedisError, OSError)
TIMEOUT_S = 0.3


@lru_cache(maxsize=1)
def client(url: str) -> Redis:
    """One pool for all threads. redis-py by itself would try ten times, for seconds."""
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
