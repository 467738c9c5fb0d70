"""Whether the services do their work, not only run."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from mesh.up.supervisor import Supervisor
from mesh.up.trouble import TroubleError
from pods.models import Gateway, Runner

PAUSE = 0.05  # seconds between two looks
GIVEN_UP = {"FATAL", "EXITED"}


def wait_for(
    service: str, is_ready: Callable[[], bool], supervisor: Supervisor, within: float
) -> None:
    """`within` seconds; TroubleError names the log to read."""
    log = supervisor.home.logs / f"{service}.log"
    give_up = time.monotonic() + within
    while not is_ready():
        if _state(service, supervisor) in GIVEN_UP:
            said = _last_words(log)
            raise TroubleError(f"{service} does not start; it said “{said}”. More is in {log}")
        if time.monotonic() > give_up:
            raise TroubleError(f"{service} is not ready after {within:.0f} s: see {log}")
        time.sleep(PAUSE)


def _state(service: str, supervisor: Supervisor) -> str:
    states = {each["name"]: each["state"] for each in supervisor.processes()}
    return str(states.get(service, ""))


def _last_words(log: Path) -> str:
    """The last line that has words in it, without the frame of a traceback."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    worded = (line.strip(" |") for line in reversed(lines) if any(map(str.isalpha, line)))
    return next(worded, "nothing")


def redis_answers() -> bool:
    with Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0)) as redis:
        try:
            return bool(redis.ping())
        except (RedisError, OSError):
            return False


def web_answers() -> bool:
    """Also what a Runner asks first."""
    url = f"http://{settings.LISTEN}:{settings.PORT}/.well-known/mesh"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def gateway_since(moment: datetime) -> Callable[[], bool]:
    return Gateway.objects.filter(started_at__gte=moment).exists


def runner_since(runner_id: int, moment: datetime) -> Callable[[], bool]:
    """Attached anew, not left over from before."""
    attached = Runner.objects.online().filter(pk=runner_id, attached_at__gte=moment)
    return attached.exists
