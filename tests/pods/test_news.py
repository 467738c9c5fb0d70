"""“Something changed” reaches who listens, and stands in nobody's way."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.db import transaction

from pods import news
from pods.aside import OWED_MAX, Aside


class Recording:
    """A channel layer that remembers what it is given, or fails, or hangs."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.fails: Exception | None = None
        self.tries = 0
        self.arrived = threading.Condition()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        with self.arrived:
            self.tries += 1
            self.arrived.notify_all()
            if self.fails:
                raise self.fails
            self.sent.append((group, message))
            self.arrived.notify_all()

    def wait_for_tries(self, count: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.tries >= count, timeout=5)

    def wait(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.sent) >= count, timeout=5)
        return self.sent


@pytest.fixture
def layer() -> Iterator[Recording]:
    before = get_channel_layer()
    recording = Recording()
    channel_layers.set("default", recording)
    yield recording
    channel_layers.set("default", before)


@pytest.mark.django_db(transaction=True)
def test_it_is_told_after_the_commit(layer: Recording) -> None:
    with transaction.atomic():
        news.announce(7, "pod", "pod-a", "running")
        assert layer.sent == []
    assert layer.wait(1) == [
        ("news.7", {"type": "news", "kind": "pod", "key": "pod-a", "state": "running"})
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_of_what_was_taken_back(layer: Recording) -> None:
    with transaction.atomic():
        news.announce(7, "pod", "pod-a")
        transaction.set_rollback(True)
    news.announce(7, "pod", "pod-b")
    assert [message["key"] for _, message in layer.wait(1)] == ["pod-b"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OSError("no such socket"), RuntimeError("a bug")])
def test_a_layer_that_fails_hurts_nobody_and_is_used_again(
    layer: Recording, error: Exception
) -> None:
    layer.fails = error
    news.announce(7, "pod", "lost")
    news.announce(7, "pod", "lost too")
    layer.wait_for_tries(2)
    layer.fails = None
    news.announce(7, "pod", "heard")
    assert [message["key"] for _, message in layer.wait(1)][-1] == "heard"


def test_what_is_owed_is_told_once_with_its_latest_value_and_the_oldest_go_first() -> None:
    began, go = threading.Event(), threading.Event()
    told: list[tuple[int, str]] = []
    done = threading.Event()

    def tell(key: int, value: str) -> None:
        began.set()
        go.wait(5)
        told.append((key, value))
        if value == "last":
            done.set()

    aside: Aside[int, str] = Aside("test", lambda: nullcontext(tell))
    aside.put(-1, "first")
    assert began.wait(5)
    for key in range(OWED_MAX + 10):
        aside.put(key, "old")
        aside.put(key, "new")
    started = time.monotonic()
    aside.put(OWED_MAX + 10, "last")
    assert time.monotonic() - started < 1
    go.set()
    assert done.wait(5)
    assert told[0] == (-1, "first")
    assert [key for key, _ in told[1:]] == [*range(11, OWED_MAX + 11)]
    assert {value for _, value in told[1:-1]} == {"new"}


def test_a_process_that_ends_closes_what_it_opened() -> None:
    left = threading.Event()

    @contextmanager
    def opened() -> Iterator[Callable[[int, str], None]]:
        yield lambda _key, _value: None
        left.set()

    aside: Aside[int, str] = Aside("test", opened)
    aside.put(1, "x")
    aside.close()
    assert left.is_set()


@pytest.mark.django_db(transaction=True)
def test_what_is_new_travels_with_it(layer: Recording) -> None:
    news.announce(7, "message", "plans", "1", {"message": {"number": 1}})
    ((_, told),) = layer.wait(1)
    assert told["content"] == {"message": {"number": 1}}
