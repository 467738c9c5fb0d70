"""How often somebody may ask, with a real Redis, and without it."""

import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from pods.api import throttling
from pods.models import Repository
from tests.builders import Cast
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _tight(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small limits, a counter of its own, and a minute that does not end during the test."""
    settings.API_READS_A_MINUTE = 3
    settings.API_WRITES_A_MINUTE = 2
    settings.API_STRANGERS_A_MINUTE = 2
    monkeypatch.setattr(throttling, "_counter", throttling._Counter())
    monkeypatch.setattr(throttling, "WINDOW_S", 100_000)
    return


def reads(caller: Caller, count: int) -> list[int]:
    return [caller.get("me/").status_code for _ in range(count)]


def writes(caller: Caller, count: int) -> list[int]:
    """Each is refused for what it says, which counts like any other."""
    return [caller.post("repositories/").status_code for _ in range(count)]


def test_reads_and_writes_have_each_their_own_limit(cast: Cast, redis: object) -> None:
    bob = Caller(cast.bob)
    assert reads(bob, 5) == [200, 200, 200, 429, 429]
    assert writes(bob, 4) == [400, 400, 429, 429]
    assert not Repository.objects.exists()


def test_who_asks_too_often_is_told_when_to_come_back(cast: Cast, redis: object) -> None:
    bob = Caller(cast.bob)
    reads(bob, 3)
    refused = bob.get("me/")
    assert error(refused)["code"] == "throttled"
    assert 0 < int(refused.headers["Retry-After"]) <= throttling.WINDOW_S


def test_each_caller_is_counted_alone(cast: Cast, redis: object) -> None:
    reads(Caller(cast.bob), 4)
    assert reads(Caller(cast.alice), 1) == [200]
    assert reads(Caller(cast.bob), 1) == [200]


def test_all_web_processes_count_together(
    cast: Cast, redis: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = Caller(cast.bob)
    reads(bob, 2)
    monkeypatch.setattr(throttling, "_counter", throttling._Counter())  # as another process has
    assert reads(bob, 2) == [200, 429]


def test_strangers_are_counted_by_their_address(db: None, redis: object) -> None:
    guess = Client(headers={"Authorization": "Bearer guess"})
    assert [guess.get("/api/v1/me/").status_code for _ in range(4)] == [401, 401, 429, 429]
    elsewhere = guess.get("/api/v1/me/", REMOTE_ADDR="192.0.2.1")
    assert elsewhere.status_code == 401


def test_without_redis_reads_are_free_and_writes_counted_here(cast: Cast, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    bob = Caller(cast.bob)
    assert reads(bob, 5) == [200] * 5
    assert writes(bob, 3) == [400, 400, 429]


def test_a_redis_that_hangs_costs_one_short_wait(
    cast: Cast, redis: "subprocess.Popen[bytes]"
) -> None:
    bob = Caller(cast.bob)
    assert reads(bob, 1) == [200]
    redis.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert reads(bob, 6) == [200] * 6
        assert time.monotonic() - began < 1
    finally:
        redis.send_signal(signal.SIGCONT)


def test_a_redis_that_is_back_is_used_again(
    cast: Cast, redis: object, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "AWAY_FOR_S", 0)
    there, bob = settings.REDIS_URL, Caller(cast.bob)
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    assert reads(bob, 4) == [200] * 4
    settings.REDIS_URL = there
    assert reads(bob, 4) == [200, 200, 200, 429]
