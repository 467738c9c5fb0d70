"""Channels by REST."""

import threading
import time

import pytest
from django.db import connection

from accounts.actor import Scope
from channels_app.models import Message
from channels_app.services import messages
from tests.builders import actor_of, make_cast, make_pod, make_user
from tests.channels_app.rooms import cursors, make_channel, pod_in
from tests.pods.api.client import Caller, error

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def bob(cast):
    return Caller(cast.bob)


@pytest.fixture
def alice(cast):
    return Caller(cast.alice)


def test_a_conversation(cast, bob, alice):
    made = bob.post("channels/", {"name": "Plans", "topic": "what next"})
    assert (made.status_code, made.json()["slug"], made.json()["unread"]) == (201, "plans", None)
    said = alice.post("channels/plans/messages/", {"body": "@bob *hello*"})
    assert said.status_code == 201
    assert said.json()["author"] == {
        "kind": "person",
        "name": "alice (test)",
        "pod": None,
        "user": "alice",
    }
    assert [mention["user"] for mention in said.json()["mentions"]] == ["bob"]
    answer = bob.post("channels/plans/messages/", {"body": "hi", "reply_to": 1}).json()
    assert (answer["number"], answer["reply_to"]) == (2, 1)
    read = bob.get("channels/plans/messages/?after=1").json()["results"]
    assert [message["number"] for message in read] == [2]
    assert bob.get("channels/plans/messages/1/").json()["body"] == "@bob *hello*"


def test_what_a_page_was_given_is_delivered_and_what_it_asks_beyond_is_read(cast, bob, alice):
    room = make_channel(cast)
    for _ in range(3):
        alice.post("channels/plans/messages/", {"body": "x"})
    bob.get("channels/plans/messages/?after=0&limit=2")
    assert cursors(room, user=cast.bob) == (2, 0)
    bob.get("channels/plans/messages/?after=2")
    assert cursors(room, user=cast.bob) == (3, 2)
    assert bob.get("channels/plans/").json()["unread"] == 1
    assert bob.post("channels/plans/read/", {"read": 3}).status_code == 204
    assert bob.get("channels/plans/").json()["unread"] == 0


def test_a_message_is_changed_by_its_author(cast, bob, alice):
    make_channel(cast)
    bob.post("channels/plans/messages/", {"body": "one"})
    assert bob.patch("channels/plans/messages/1/", {"body": "two"}).json()["body"] == "two"
    refused = alice.patch("channels/plans/messages/1/", {"body": "three"})
    assert (refused.status_code, error(refused)["code"]) == (403, "not_author")
    assert alice.delete("channels/plans/messages/1/").status_code == 403
    assert bob.delete("channels/plans/messages/1/").status_code == 204
    assert bob.get("channels/plans/messages/1/").json()["deleted"] is True
    assert bob.delete("channels/plans/messages/1/").status_code == 409


def test_a_post_that_is_repeated_is_said_once(cast, bob):
    make_channel(cast)
    said = [bob.post("channels/plans/messages/", {"body": "x"}, key="k").json() for _ in range(2)]
    assert said[0] == said[1]
    assert Message.objects.count() == 1


def test_members_come_and_go(cast, bob, alice):
    room = make_channel(cast, is_private=True)
    pod = make_pod(cast.organization, owner=cast.bob, name="planner")
    eve = make_user("eve", organization=cast.organization)
    assert Caller(eve).get("channels/plans/").status_code == 404
    assert bob.post("channels/plans/members/", {"user": "eve"}).status_code == 201
    assert bob.post("channels/plans/members/", {"pod": pod.key}).json()["name"] == "planner"
    assert alice.post("channels/plans/members/", {}).json()["user"] == "alice"
    found = Caller(eve).get("channels/plans/members/").json()["results"]
    assert [member["user"] or member["pod"] for member in found] == ["bob", "eve", pod.key, "alice"]
    assert bob.post("channels/plans/members/", {"user": "charlie"}).status_code in {400, 404}
    assert Caller(eve).post("channels/plans/members/", {"user": "alice"}).status_code == 403
    assert Caller(eve).delete(f"channels/plans/members/?pod={pod.key}").status_code == 403
    assert bob.delete("channels/plans/members/?pod=pod-none").status_code == 404
    assert bob.delete(f"channels/plans/members/?pod={pod.key}").status_code == 204
    assert Caller(eve).delete("channels/plans/members/").status_code == 204
    assert Caller(eve).get("channels/plans/").status_code == 404
    assert room.members.count() == 2


def test_the_document_is_shared_and_its_version_checked(cast, bob, alice):
    make_channel(cast)
    assert bob.get("channels/plans/document/").json() == {"text": "", "version": 0}
    wrote = bob.put("channels/plans/document/", {"text": "# Plan\n", "version": 0})
    assert wrote.json() == {"version": 1}
    late = alice.put("channels/plans/document/", {"text": "mine", "version": 0})
    assert (late.status_code, error(late)["code"]) == (409, "newer_version")
    assert error(late)["detail"]["text"] == "# Plan\n"


def test_an_archived_channel_refuses_posts_until_it_is_taken_back(cast, bob):
    make_channel(cast)
    assert bob.post("channels/plans/archive/").status_code == 204
    assert bob.get("channels/plans/").json()["archived_at"]
    assert bob.post("channels/plans/messages/", {"body": "x"}).status_code == 409
    assert bob.post("channels/plans/unarchive/").status_code == 204
    assert bob.post("channels/plans/messages/", {"body": "x"}).status_code == 201


def test_channels_of_others_are_not_there(cast, bob):
    make_channel(cast)
    charlie = Caller(cast.charlie)
    assert charlie.get("channels/").json()["results"] == []
    for path in ("", "messages/", "members/", "document/", "messages/1/"):
        assert charlie.get(f"channels/plans/{path}").status_code == 404
    assert charlie.post("channels/plans/messages/", {"body": "x"}).status_code == 404
    assert charlie.post("channels/plans/archive/").status_code == 404


def test_a_token_needs_the_scope(cast):
    make_channel(cast)
    reader = Caller(cast.bob, scopes=[Scope.CHANNELS_READ])
    assert reader.get("channels/plans/messages/").status_code == 200
    assert reader.post("channels/plans/messages/", {"body": "x"}).status_code == 403
    other = Caller(cast.bob, scopes=[Scope.PODS_READ])
    assert error(other.get("channels/"))["code"] == "missing_scope"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("channels/", {"name": "!!!"}),
        ("channels/", {}),
        ("channels/plans/messages/", {"body": " "}),
        ("channels/plans/messages/", {"body": "x" * 16_001}),
        ("channels/plans/messages/", {"body": "x", "nonsense": 1}),
        ("channels/plans/messages/", {"body": "x", "reply_to": 2**63}),
        ("channels/plans/read/", {"read": -1}),
        ("channels/plans/members/", {"pod": "x", "user": "y"}),
    ],
)
def test_what_makes_no_sense_is_refused(cast, bob, path, body):
    make_channel(cast)
    assert bob.post(path, body).status_code == 400


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=101", "after=" + "9" * 19, "q=%00"]
)
def test_so_are_odd_queries(cast, bob, query):
    make_channel(cast)
    assert bob.get(f"channels/plans/messages/?{query}").status_code == 400
    assert bob.get(f"channels/plans/messages/?{query}&wait=1").status_code == 400


def test_search(cast, bob):
    make_channel(cast)
    for body in ("the parser", "the lexer"):
        bob.post("channels/plans/messages/", {"body": body})
    found = bob.get("channels/plans/messages/?q=PARSER the").json()["results"]
    assert [message["body"] for message in found] == ["the parser"]


@pytest.mark.django_db(transaction=True)
def test_a_wait_ends_when_something_is_said():
    cast = make_cast()
    room, bob = make_channel(cast), Caller(cast.bob)
    answers = []

    def wait():
        try:
            answers.append(bob.get("channels/plans/messages/?after=0&wait=20").json()["results"])
        finally:
            connection.close()

    began = time.monotonic()
    waiting = threading.Thread(target=wait)
    waiting.start()
    messages.post(room, by=actor_of(cast.alice), body="at last")
    waiting.join(15)
    assert [message["body"] for message in answers[0]] == ["at last"]
    assert time.monotonic() - began < 10


def test_a_wait_in_vain_ends_in_time(cast, bob):
    make_channel(cast)
    began = time.monotonic()
    assert bob.get("channels/plans/messages/?wait=0.3").json() == {"results": []}
    assert 0.3 <= time.monotonic() - began < 5


def test_a_pods_receipt_is_shown(cast, bob):
    room = make_channel(cast)
    pod, _ = pod_in(room, cast)
    said = bob.post("channels/plans/messages/", {"body": "look", "mentions": [pod.key]}).json()
    assert said["mentions"] == [
        {"pod": pod.key, "user": None, "receipt": "queued", "typed_at": None}
    ]
