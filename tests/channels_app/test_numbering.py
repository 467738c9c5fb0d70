"""Numbers without gaps, each once and in order, whoever writes at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from channels_app.models import Channel, Message
from channels_app.services import channels, messages
from pods.access import actor_for_pod
from tests.builders import Cast, actor_of, make_cast, make_pod
from tests.channels_app.rooms import make_channel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

WRITERS, EACH = 6, 15
RETRIES = 50  # SQLite may refuse a writer while many wait


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def _retried(work):
    for attempt in range(RETRIES):
        try:
            return work()
        except OperationalError:
            if attempt == RETRIES - 1:
                raise
    raise AssertionError


def test_many_writers_leave_no_gap_and_a_reader_sees_each_number_once_in_order(cast):
    room = make_channel(cast)
    actors = [actor_for_pod(make_pod(cast.organization, owner=cast.bob)) for _ in range(WRITERS)]
    done = threading.Event()
    seen: list[int] = []

    def write(actor):
        try:
            for number in range(EACH):
                body = f"{actor.name} {number}"
                _retried(partial(messages.post, room, by=actor, body=body))
        finally:
            connection.close()

    def read():
        try:
            while True:
                was_done = done.is_set()
                found = messages.after(room, seen[-1] if seen else 0)
                seen.extend(message.number for message in found)
                if was_done and not found:
                    return
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        reader = threads.submit(read)
        writers = [threads.submit(write, actor) for actor in actors]
        for writer in writers:
            writer.result(60)
        done.set()
        reader.result(60)
    assert seen == list(range(1, WRITERS * EACH + 1))
    for actor in actors:  # each writer's own words are in its own order
        own = Message.objects.filter(author_pod_id=actor.pod_id).order_by("number")
        assert [int(body.split()[-1]) for body in own.values_list("body", flat=True)] == [
            *range(EACH)
        ]


def test_what_is_rolled_back_leaves_no_gap(cast):
    room, bob = make_channel(cast), actor_of(cast.bob)
    with transaction.atomic():
        messages.post(room, by=bob, body="never")
        transaction.set_rollback(True)
    assert messages.post(room, by=bob, body="first").number == 1
    assert Channel.objects.get().last_number == 1


def test_of_two_who_write_the_document_at_once_one_wins(cast):
    room, bob = make_channel(cast), actor_of(cast.bob)
    start = threading.Barrier(2)

    def write(text):
        try:
            start.wait(10)
            return _retried(lambda: channels.write_document(room, by=bob, text=text, version=0))
        except channels.ConflictError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        results = sorted(threads.map(write, ["a", "b"]), key=str)
    assert results == [1, None]
    room.refresh_from_db()
    assert room.document == room.document_versions.get().text
