"""Talking through the tools, and waiting for what is said."""

import pytest

from channels_app.services import messages
from channels_app.services.shown import message_shape
from pods.access import actor_for_pod
from pods.errors import ConflictError, MeshError, NotVisibleError
from pods.services import bindings
from pods.toolbox import Outcome, Wait, run_tool
from tests.builders import actor_of, make_pod
from tests.channels_app.rooms import cursors, make_channel, pod_in

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def call(actor, name, /, **given):
    return run_tool(actor, name, given)


def numbers(outcome):
    return [message["number"] for message in outcome.data["messages"]]


def test_agents_open_join_post_and_read(cast):
    one, other = (actor_for_pod(make_pod(cast.organization, owner=cast.bob)) for _ in range(2))
    assert call(one, "create_channel", name="Fix the parser!").data["channel"] == "fix-the-parser"
    call(other, "join_channel", channel="fix-the-parser")
    assert call(one, "publish_to_channel", channel="fix-the-parser", body="hi").data["number"] == 1
    answer = call(other, "publish_to_channel", channel="fix-the-parser", body="hello", reply_to=1)
    assert answer.data == {"channel": "fix-the-parser", "number": 2}
    read = call(one, "read_channel", channel="fix-the-parser", after=0)
    assert numbers(read) == [1, 2]
    assert read.text == f"#fix-the-parser\n1 {one.name}: hi\n2 {other.name} (to 1): hello"
    listed = call(other, "list_channels").data["channels"]
    assert [(each["channel"], each["unread"]) for each in listed] == [
        ("fix-the-parser", 2)
    ]  # its own answer is behind what it has not read
    call(other, "leave_channel", channel="fix-the-parser")
    assert call(other, "list_channels").data["channels"][0]["unread"] is None


def test_reading_goes_on_where_it_stopped(cast):
    room = make_channel(cast)
    pod, actor = pod_in(room, cast)
    for _ in range(3):
        messages.post(room, by=actor_of(cast.bob), body="x")
    assert numbers(call(actor, "read_channel", channel="plans", limit=2)) == [1, 2]
    assert cursors(room, pod=pod) == (2, 2)
    assert numbers(call(actor, "read_channel", channel="plans")) == [3]
    assert call(actor, "read_channel", channel="plans").text == "#plans\nNothing new."
    assert numbers(call(actor, "read_channel", channel="plans", after=1)) == [2, 3]


def test_two_who_write_the_document_at_once_lose_nothing(cast):
    room = make_channel(cast)
    one, other = (pod_in(room, cast)[1] for _ in range(2))
    assert call(one, "read_document", channel="plans").data["version"] == 0
    written = call(one, "write_document", channel="plans", text="# Plan", version=0)
    assert written.data["version"] == 1
    with pytest.raises(ConflictError) as refused:
        call(other, "write_document", channel="plans", text="# Mine", version=0)
    newer = refused.value.detail
    assert (newer["version"], newer["text"]) == (1, "# Plan")
    call(other, "write_document", channel="plans", text="# Plan\n\nMine, too", version=1)
    assert call(one, "read_document", channel="plans").text == "Version 2\n# Plan\n\nMine, too"


def test_waiting_ends_with_what_others_say(cast):
    room = make_channel(cast)
    _, actor = pod_in(room, cast)
    waiting = call(actor, "wait_for_messages", timeout_s=7)
    assert isinstance(waiting, Wait)
    assert (waiting.seconds, waiting.otherwise.text) == (7, "Nothing new.")
    assert waiting.kinds >= {"message", "binding"}
    messages.post(room, by=actor, body="mine")
    assert isinstance(call(actor, "wait_for_messages"), Wait)
    messages.post(room, by=actor_of(cast.bob), body="theirs")
    assert numbers(call(actor, "wait_for_messages")) == [2]
    assert isinstance(call(actor, "wait_for_messages"), Wait)


def news_of(message):
    content = {"channel": message.channel_id, "message": message_shape(message)}
    return {"kind": "message", "key": message.channel.slug, "content": content}


def test_what_news_bring_is_told_once_and_only_in_its_turn(cast):
    room = make_channel(cast)
    pod, actor = pod_in(room, cast)
    waiting = call(actor, "wait_for_messages")
    first, second, third = [
        messages.post(room, by=actor_of(cast.bob), body=body) for body in ("one", "two", "three")
    ]
    told = waiting.hint(news_of(first))
    assert (numbers(told), told.text) == ([1], "#plans\n1 bob: one")
    assert cursors(room, pod=pod) == (1, 1)
    assert waiting.hint(news_of(first)) is None
    assert waiting.hint(news_of(third)) is None  # the second was lost
    assert call(actor, "wait_for_messages").data["messages"] == [
        news_of(each)["content"]["message"] for each in (second, third)
    ]


def test_news_are_told_to_members_who_wait_there_alone(cast):
    room = make_channel(cast)
    _, actor = pod_in(make_channel(cast, "elsewhere"), cast)
    waiting = call(actor, "wait_for_messages")
    said = messages.post(room, by=actor_of(cast.bob), body="x")
    assert waiting.hint(news_of(said)) is None
    call(actor, "join_channel", channel="plans")
    said = messages.post(room, by=actor_of(cast.bob), body="y")
    assert call(actor, "wait_for_messages", channels=["elsewhere"]).hint(news_of(said)) is None
    assert numbers(waiting.hint(news_of(said))) == [2]


def test_a_wait_that_names_where_it_is_can_be_repeated(cast):
    room = make_channel(cast)
    _, actor = pod_in(room, cast)
    for _ in range(2):
        messages.post(room, by=actor_of(cast.bob), body="x")
    for _ in range(2):  # the first answer was lost on its way
        assert numbers(call(actor, "wait_for_messages", channels=["plans"], after=0)) == [1, 2]
    assert isinstance(call(actor, "wait_for_messages", channels=["plans"], after=2), Wait)
    with pytest.raises(MeshError):
        call(actor, "wait_for_messages", after=2)


def test_one_waits_only_where_one_asked_to(cast):
    here, there = make_channel(cast, "here"), make_channel(cast, "there")
    _, actor = pod_in(here, cast)
    call(actor, "join_channel", channel="there")
    messages.post(there, by=actor_of(cast.bob), body="x")
    assert isinstance(call(actor, "wait_for_messages", channels=["here"]), Wait)
    assert call(actor, "wait_for_messages").data["channel"] == "there"
    with pytest.raises(NotVisibleError):
        call(actor, "wait_for_messages", channels=["nowhere"])


def test_a_request_for_a_binding_ends_a_wait_of_its_target_once(cast):
    holder = make_pod(cast.organization, owner=cast.alice)
    target = make_pod(cast.organization, owner=cast.bob)
    asked = call(
        actor_for_pod(holder), "create_binding", target=target.key, scopes=["terminal:read"]
    )
    told = call(actor_for_pod(target), "wait_for_messages")
    assert isinstance(told, Outcome)
    assert [each["id"] for each in told.data["bindings"]] == [asked.data["id"]]
    assert "accept_binding" in told.text
    assert isinstance(call(actor_for_pod(target), "wait_for_messages"), Wait)
    call(actor_for_pod(target), "accept_binding", binding=asked.data["id"])
    answered = call(actor_for_pod(holder), "wait_for_messages")
    assert answered.data["bindings"][0]["state"] == "active"
    assert isinstance(call(actor_for_pod(holder), "wait_for_messages"), Wait)


def test_a_person_uses_the_same_tools(cast):
    room = make_channel(cast)
    _, pod = pod_in(room, cast)
    call(actor_of(cast.alice), "join_channel", channel="plans")
    messages.post(room, by=pod, body="done")
    assert numbers(call(actor_of(cast.alice), "wait_for_messages")) == [1]
    assert bindings.tell(pod.pod_id) == []


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("publish_to_channel", {"channel": "plans", "body": ""}),
        ("publish_to_channel", {"channel": "plans", "body": "x", "reply_to": 99}),
        ("publish_to_channel", {"channel": "nowhere", "body": "x"}),
        ("read_channel", {"channel": "../plans"}),
        ("read_channel", {"channel": "pl\0ans"}),
        ("read_channel", {"channel": "plans", "after": 2**70}),
        ("create_channel", {"name": "!!!"}),
        ("create_channel", {"name": "plans"}),
        ("join_channel", {}),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(cast, name, given):
    make_channel(cast)
    actor = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
    with pytest.raises(MeshError):
        call(actor, name, **given)
