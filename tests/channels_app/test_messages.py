"""What is said in a Channel: numbers, authors, edits, replies, search."""

import pytest

from channels_app import rules
from channels_app.models import Channel, Message
from channels_app.services import channels, messages
from channels_app.services.numbers import notice
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RefusedError
from tests.builders import Cast, actor_of
from tests.channels_app.rooms import cursors, fresh, make_channel, pod_in

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def unread_of_others(actor, **options):
    (member,) = messages.memberships(actor)
    return messages.unread_of_others(member, by=actor, **options)


@pytest.fixture
def room(cast: Cast) -> Channel:
    return make_channel(cast)


def test_messages_are_numbered_from_one_in_the_order_they_are_said(cast, room):
    _, pod = pod_in(room, cast)
    said = [messages.post(room, by=by, body="x").number for by in (actor_of(cast.bob), pod, pod)]
    assert said == [1, 2, 3]
    assert [message.number for message in messages.after(room, 1)] == [2, 3]
    assert [message.number for message in messages.before(room, 3, limit=1)] == [2]


def test_what_is_refused_takes_no_number(cast, room):
    bob = actor_of(cast.bob)
    for body in ("", " \n\t ", "\x1b", "x" * (rules.MAX_BODY + 1)):
        with pytest.raises(RefusedError):
            messages.post(room, by=bob, body=body)
    with pytest.raises(NotVisibleError):
        messages.post(room, by=bob, body="to what?", reply_to=7)
    assert messages.post(room, by=bob, body="first").number == 1


def test_the_author_is_who_asked_and_stays_named_when_gone(cast, room):
    pod, actor = pod_in(room, cast, name="planner")
    messages.post(room, by=actor, body="hello")
    pod.delete()
    message = messages.message_for(room, 1)
    assert (message.author_name, message.author_pod) == ("planner", None)


def test_control_characters_and_bidi_tricks_do_not_reach_others(cast, room):
    body = "a\x1b[31mb\u202ec\r\nd\te"
    message = messages.post(room, by=actor_of(cast.bob), body=body)
    assert message.body == "a[31mbc\nd\te"


def test_only_its_author_edits_or_deletes_a_message(cast, room):
    bob, alice = actor_of(cast.bob), actor_of(cast.alice)
    message = messages.post(room, by=bob, body="one")
    with pytest.raises(NotAllowedError):
        messages.edit(message, by=alice, body="two")
    with pytest.raises(NotAllowedError):
        messages.delete(message, by=alice)
    with pytest.raises(NotAllowedError):
        messages.delete(notice(room, "Mesh says"), by=bob)
    messages.edit(message, by=bob, body="two")
    assert messages.message_for(room, 1).body == "two"
    assert messages.message_for(room, 1).edited_at


def test_a_pod_does_not_speak_for_its_owner_nor_the_owner_for_it(cast, room):
    _, pod = pod_in(room, cast)
    of_pod = messages.post(room, by=pod, body="pod's")
    of_bob = messages.post(room, by=actor_of(cast.bob), body="bob's")
    with pytest.raises(NotAllowedError):
        messages.edit(of_pod, by=actor_of(cast.bob), body="x")
    with pytest.raises(NotAllowedError):
        messages.edit(of_bob, by=pod, body="x")


def test_a_deleted_message_keeps_its_number_and_loses_its_text(cast, room):
    bob = actor_of(cast.bob)
    message = messages.post(room, by=bob, body="secret word")
    messages.post(room, by=bob, body="next")
    messages.delete(message, by=bob)
    assert [(each.number, each.body) for each in messages.after(room, 0)] == [(1, ""), (2, "next")]
    assert messages.search(room, "secret") == []
    with pytest.raises(ConflictError):
        messages.edit(messages.message_for(room, 1), by=bob, body="back")


def test_an_answer_names_the_message_it_answers(cast, room):
    bob = actor_of(cast.bob)
    messages.post(room, by=bob, body="question")
    assert messages.post(room, by=bob, body="answer", reply_to=1).reply_to.number == 1


def test_search_finds_messages_with_all_of_the_words(cast, room):
    bob = actor_of(cast.bob)
    for body in ("fix the Parser", "the parser is slow", "something else"):
        messages.post(room, by=bob, body=body)
    assert [found.number for found in messages.search(room, "parser the")] == [2, 1]
    assert [found.number for found in messages.search(room, "PARSER fix")] == [1]
    assert messages.search(room, "\0") == messages.search(room, "")


def test_an_archived_channel_is_read_and_not_posted_in(cast, room):
    bob = actor_of(cast.bob)
    messages.post(room, by=bob, body="one")
    channels.archive(room, by=bob)
    with pytest.raises(ConflictError):
        messages.post(room, by=bob, body="two")
    assert len(messages.after(fresh(room, bob), 0)) == 1
    channels.unarchive(room, by=bob)
    assert messages.post(room, by=bob, body="two").number == 2


def test_a_newcomer_starts_at_the_present(cast, room):
    messages.post(room, by=actor_of(cast.bob), body="before")
    pod, actor = pod_in(room, cast)
    assert cursors(room, pod=pod) == (1, 1)
    messages.post(room, by=actor_of(cast.bob), body="after")
    assert [each.number for each in unread_of_others(actor)] == [2]
    assert messages.unread_from(room, by=actor) == 1


def test_cursors_go_forward_only_and_never_past_the_end(cast, room):
    bob = actor_of(cast.bob)
    pod, actor = pod_in(room, cast)
    for _ in range(3):
        messages.post(room, by=bob, body="x")
    messages.mark(room, by=actor, delivered=2)
    assert cursors(room, pod=pod) == (2, 0)
    messages.mark(room, by=actor, read=99)
    assert cursors(room, pod=pod) == (3, 3)
    messages.mark(room, by=actor, delivered=1, read=1)
    assert cursors(room, pod=pod) == (3, 3)


def test_ones_own_words_do_not_wait_but_are_told_in_their_place(cast, room):
    bob = actor_of(cast.bob)
    _, actor = pod_in(room, cast)
    messages.post(room, by=actor, body="mine")
    assert unread_of_others(actor) == []
    messages.post(room, by=bob, body="theirs")
    messages.post(room, by=actor, body="mine again")
    assert [each.number for each in unread_of_others(actor)] == [2, 3]


def test_many_own_words_hide_nothing_of_others(cast, room):
    pod, actor = pod_in(room, cast)
    for _ in range(5):
        messages.post(room, by=actor, body="mine")
    channels.Member.objects.filter(pod=pod).update(read=0)  # as after a lost update
    messages.post(room, by=actor_of(cast.bob), body="theirs")
    found = unread_of_others(actor, limit=2)
    assert [each.number for each in found] == [5, 6]


def test_mentions_in_code_are_only_talked_about():
    body = "see @pod-1 and `@pod-2`, mail a@b.example, not ```\n@pod-3\n``` but @bob."
    assert rules.mentioned(body) == ["pod-1", "bob"]


def test_the_document_is_written_only_by_who_has_read_it(cast, room):
    bob = actor_of(cast.bob)
    assert channels.write_document(room, by=bob, text="one", version=0) == 1
    with pytest.raises(ConflictError) as conflict:
        channels.write_document(room, by=bob, text="two", version=0)
    assert conflict.value.detail == {"version": 1, "text": "one"}
    assert channels.write_document(room, by=bob, text="two", version=1) == 2
    versions = room.document_versions.order_by("version").values_list("version", "text")
    assert list(versions) == [(1, "one"), (2, "two")]
    assert not Message.objects.exists()
