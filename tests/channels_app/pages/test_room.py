"""One Channel as a conversation."""

import pytest

from channels_app.models import Member, Message
from channels_app.services import channels, messages
from pods.access import actor_for_pod
from tests import builders
from tests.builders import actor_of
from tests.channels_app.rooms import make_channel, pod_in

HTMX = {"HTTP_HX_REQUEST": "true"}


def say(channel, user, body, **fields):
    return messages.post(channel, by=actor_of(user), body=body, **fields)


def numbers(response):
    return [look.message.number for look in response.context["looks"]]


def test_what_was_said_stands_in_order_with_its_authors(bob, cast):
    channel = make_channel(cast)
    pod, agent = pod_in(channel, cast, name="planner")
    say(channel, cast.bob, "What is left?")
    messages.post(channel, by=agent, body="The **parser**.", reply_to=1)
    response = bob.get("/channels/plans/")
    assert numbers(response) == [1, 2]
    content = response.content.decode()
    assert "The <strong>parser</strong>." in content
    assert f'href="/pods/{pod.key}/">planner</a>' in content
    assert 'data-jump="1"' in content


def test_markup_in_a_message_is_text(bob, cast):
    channel = make_channel(cast)
    say(channel, cast.bob, "<script>alert(1)</script> [x](javascript:alert(1))")
    content = bob.get("/channels/plans/").content
    assert b"<script>alert" not in content
    assert b'href="javascript' not in content
    assert b"&lt;script&gt;alert(1)" in content


def test_the_line_stands_above_the_first_message_one_has_not_read(alice, cast):
    channel = make_channel(cast)
    channels.join(channel, by=actor_of(cast.alice))
    for body in ("one", "two"):
        say(channel, cast.bob, body)
    Member.objects.filter(user=cast.alice).update(read=1)
    looks = alice.get("/channels/plans/").context["looks"]
    assert [look.is_first_unread for look in looks] == [False, True]


def test_one_who_left_off_far_above_starts_there(alice, cast):
    channel = make_channel(cast)
    channels.join(channel, by=actor_of(cast.alice))
    for number in range(90):
        say(channel, cast.bob, f"message {number}")
    Member.objects.filter(user=cast.alice).update(read=10)
    assert numbers(alice.get("/channels/plans/"))[0] == 6


def test_a_page_that_looks_again_gets_what_is_new_and_what_has_changed(bob, cast):
    channel = make_channel(cast)
    for body in ("one", "two", "three"):
        say(channel, cast.alice, body)
    stamp = bob.get("/channels/plans/").context["stamp"]
    messages.edit(messages.message_for(channel, 2), by=actor_of(cast.alice), body="two, better")
    say(channel, cast.alice, "four")
    query = {"after": 3, "first": 1, "since": stamp}
    assert numbers(bob.get("/channels/plans/messages/", query)) == [2, 4]


def test_earlier_messages_are_fetched_before_the_first_shown(bob, cast):
    channel = make_channel(cast)
    for number in range(70):
        say(channel, cast.bob, f"message {number}")
    response = bob.get("/channels/plans/messages/", {"before": 11})
    assert numbers(response) == list(range(1, 11))


def test_posting_by_a_form_makes_a_member_and_comes_back_to_the_channel(alice, cast):
    channel = make_channel(cast)
    response = alice.post("/channels/plans/post/", {"body": "Here I am", "reply_to": ""})
    assert response.url == "/channels/plans/"
    assert channel.members.filter(user=cast.alice).exists()


def test_an_empty_message_is_refused_in_words_and_changes_nothing(bob, cast):
    channel = make_channel(cast)
    response = bob.post("/channels/plans/post/", {"body": "  "}, **HTMX)
    assert response.status_code == 409
    assert "needs some text" in response.headers["HX-Trigger"]
    assert not channel.messages.exists()


def test_its_author_edits_and_deletes_a_message_and_nobody_else(alice, bob, cast):
    channel = make_channel(cast)
    say(channel, cast.bob, "mine")
    assert (
        alice.post("/channels/plans/messages/1/edit/", {"body": "hers"}, **HTMX).status_code == 409
    )
    assert alice.post("/channels/plans/messages/1/delete/", **HTMX).status_code == 409
    edited = bob.post("/channels/plans/messages/1/edit/", {"body": "mine, edited"}, **HTMX)
    assert b"mine, edited" in edited.content
    assert (
        b"Deleted by its author" in bob.post("/channels/plans/messages/1/delete/", **HTMX).content
    )
    assert Message.objects.get().body == ""


def test_how_far_one_has_looked_is_kept_and_never_moves_back(alice, cast):
    channel = make_channel(cast)
    channels.join(channel, by=actor_of(cast.alice))
    for body in ("one", "two"):
        say(channel, cast.bob, body)
    for read in ("2", "1", "nonsense"):
        alice.post("/channels/plans/read/", {"read": read}, **HTMX)
    assert Member.objects.get(user=cast.alice).read == 2


def test_a_private_channel_is_not_there_for_others(alice, bob, charlie, vera, cast):
    make_channel(cast, is_private=True)
    assert bob.get("/channels/plans/").status_code == 200
    assert alice.get("/channels/plans/").status_code == 200, "an owner sees all"
    for stranger in (charlie, vera):
        for path in ("", "messages/", "names/", "search/", "beside/", "document/"):
            assert stranger.get(f"/channels/plans/{path}").status_code == 404


def test_a_viewer_reads_and_is_offered_nothing_to_write(vera, cast):
    channel = make_channel(cast)
    say(channel, cast.bob, "hello")
    content = vera.get("/channels/plans/").content
    assert b"hello" in content
    assert b'id="body"' not in content
    assert vera.post("/channels/plans/post/", {"body": "me too"}, **HTMX).status_code == 409


def test_members_are_added_join_and_leave(alice, bob, cast):
    channel = make_channel(cast)
    pod = builders.make_pod(cast.organization, owner=cast.bob)
    bob.post("/channels/plans/members/", {"member": f"pod:{pod.key}"})
    bob.post("/channels/plans/members/", {"member": "user:alice"})
    assert channel.members.count() == 3
    alice.post("/channels/plans/leave/")
    assert set(channel.members.values_list("user__username", "pod__key")) == {
        ("bob", None),
        (None, pod.key),
    }


def test_leaving_a_private_channel_leads_to_the_list(bob, cast):
    make_channel(cast, is_private=True)
    assert bob.post("/channels/plans/leave/").url == "/channels/"


def test_an_archived_channel_is_read_only_and_can_be_opened_again(bob, cast):
    make_channel(cast)
    bob.post("/channels/plans/archive/")
    content = bob.get("/channels/plans/").content
    assert b"This Channel is archived" in content
    bob.post("/channels/plans/unarchive/")
    assert b'id="body"' in bob.get("/channels/plans/").content


def test_a_newer_document_keeps_what_one_has_written_beside_it(bob, cast):
    channel = make_channel(cast)
    channels.write_document(channel, by=actor_of(cast.alice), text="# Hers", version=0)
    response = bob.post("/channels/plans/document/", {"text": "# Mine", "version": "0"}, **HTMX)
    assert response.status_code == 409
    content = response.content.decode()
    assert "alice saved version 1 while you wrote" in content
    assert "# Mine" in content
    assert "<h1>Hers</h1>" in content
    merged = {"text": "# Both", "version": "1"}
    assert b"<h1>Both</h1>" in bob.post("/channels/plans/document/", merged, **HTMX).content


def test_search_finds_messages_with_every_word(bob, cast):
    channel = make_channel(cast)
    say(channel, cast.bob, "the parser is done")
    say(channel, cast.bob, "the tests are done")
    assert numbers(bob.get("/channels/plans/search/", {"q": "done parser"})) == [1]


def test_names_to_call_come_with_members_first(bob, cast):
    channel = make_channel(cast)
    pod, _ = pod_in(channel, cast, name="planner")
    builders.make_pod(cast.organization, name="outside")
    told = bob.get("/channels/plans/names/").json()["names"]
    assert {each["name"] for each in told if each["member"]} == {"bob", pod.key}
    assert [each["member"] for each in told] == sorted((e["member"] for e in told), reverse=True)


def test_a_called_pod_and_what_became_of_the_call_are_shown(bob, cast):
    channel = make_channel(cast)
    pod, _ = pod_in(channel, cast)
    say(channel, cast.bob, f"@{pod.key} look, and `@{pod.key}` is only named")
    content = bob.get("/channels/plans/").content.decode()
    assert content.count(f'class="mention" href="/pods/{pod.key}/"') == 1
    assert "will be typed when it is idle" in content


@pytest.mark.parametrize("name", ["", "!!!", "plans"])
def test_a_channel_needs_a_name_of_its_own(bob, cast, name):
    make_channel(cast)
    response = bob.post("/channels/", {"name": name})
    assert response.status_code == 422
    assert response.context["form"].errors["name"]


def test_the_list_says_what_is_new_and_the_header_counts_it(alice, cast):
    channel = make_channel(cast)
    channels.join(channel, by=actor_of(cast.alice))
    messages.post(channel, by=actor_for_pod(builders.make_pod(cast.organization)), body="@alice hi")
    content = alice.get("/channels/").content.decode()
    assert 'class="room has-unread"' in content
    header = alice.get("/counts/").content.decode()
    assert 'id="count-channels">1' in header
    assert 'id="count-inbox">1' in header
