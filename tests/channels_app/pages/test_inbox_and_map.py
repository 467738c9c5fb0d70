"""What waits for a person, and the picture of who works with whom."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from channels_app.models import Member
from channels_app.services import messages
from pods.access import actor_for_pod
from pods.bindings import BindingState
from pods.lifecycle import PodState
from pods.models import Binding
from pods.services.bindings import request_binding
from pods.services.prompts import queue_prompt
from pods.services.status import report
from tests import builders
from tests.builders import actor_of
from tests.channels_app.rooms import make_channel, pod_in


def waiting_pod(cast, owner, text="Which database?"):
    pod = builders.make_pod(cast.organization, owner=owner)
    report(by=actor_for_pod(pod), status="waiting", text=text)
    return pod


def ask(cast, target_owner):
    holder = builders.make_pod(cast.organization, owner=cast.alice)
    target = builders.make_pod(cast.organization, owner=target_owner)
    by = actor_for_pod(holder)
    return request_binding(holder, target, by=by, scopes=["terminal:read"], reason="to learn")


def keys(looks):
    return [look.pod.key for look in looks]


def test_a_pod_that_says_it_waits_is_in_its_owners_inbox_with_what_it_asks(alice, bob, cast):
    pod = waiting_pod(cast, cast.bob)
    response = bob.get("/inbox/")
    assert keys(response.context["waiting"]) == [pod.key]
    assert b"Which database?" in response.content
    assert alice.get("/inbox/").context["waiting"] == []
    report(by=actor_for_pod(pod), status="working", text="")
    assert bob.get("/inbox/").context["waiting"] == []


def test_so_is_one_whose_agent_asks_with_its_answers_and_one_a_prompt_did_not_reach(bob, cast):
    question = {"id": "q1", "text": "Run make?", "choices": ["allow", "deny"]}
    asks = builders.make_pod(
        cast.organization, owner=cast.bob, agent_state="waiting", agent_since=now(),
        question=question,
    )  # fmt: skip
    deaf = builders.make_pod(cast.organization, owner=cast.bob, agent_state="idle")
    queue_prompt(deaf, by=actor_of(cast.bob), text="go on")
    deaf.prompts.advance("sent")
    deaf.prompts.advance("failed", evidence="It is still in the box.")
    response = bob.get("/inbox/")
    assert keys(response.context["waiting"]) == [asks.key, deaf.key]
    content = response.content.decode()
    for words in ("Run make?", ">Allow<", ">Deny<", "It is still in the box.", "Try again"):
        assert words in content
    assert response.context["header_counts"]["inbox"] == 2


def test_a_request_is_in_the_inbox_of_who_manages_the_target_until_it_is_answered(alice, bob, cast):
    binding = ask(cast, cast.bob)
    assert binding.state == BindingState.REQUESTED
    assert bob.get("/inbox/").context["requests"] == [binding]
    assert alice.get("/inbox/").context["requests"] == []
    bob.post(f"/bindings/{binding.pk}/accept/")
    assert Binding.objects.get(pk=binding.pk).state == BindingState.ACTIVE
    assert bob.get("/inbox/").context["requests"] == []


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_nobody_else_answers_a_request(cast, vera, verb):
    binding = ask(cast, cast.bob)
    assert vera.post(f"/bindings/{binding.pk}/{verb}/").status_code == 403
    assert Binding.objects.get(pk=binding.pk).state == BindingState.REQUESTED


def test_a_call_stays_until_it_is_read_also_for_one_who_is_no_member(alice, cast):
    channel = make_channel(cast)
    messages.post(channel, by=actor_of(cast.bob), body="@alice which one?")
    assert [look.message.number for look in alice.get("/inbox/").context["mentions"]] == [1]
    messages.post(channel, by=actor_of(cast.alice), body="the second")
    Member.objects.filter(user=cast.alice).update(read=2)
    assert alice.get("/inbox/").context["mentions"] == []


def test_a_call_in_a_private_channel_one_is_not_in_is_not_told(vera, cast):
    channel = make_channel(cast, is_private=True)
    messages.post(channel, by=actor_of(cast.bob), body="@vera hello")
    assert vera.get("/inbox/").context["mentions"] == []


def test_a_failed_pod_can_be_put_away(bob, cast):
    failed = builders.make_pod(cast.organization, owner=cast.bob, state=PodState.FAILED)
    builders.make_pod(cast.organization, owner=cast.alice, state=PodState.FAILED)
    assert keys(bob.get("/inbox/").context["broken"]) == [failed.key]
    bob.post(f"/inbox/pods/{failed.key}/put-away/")
    assert bob.get("/inbox/").context["broken"] == []


def test_an_empty_inbox_says_what_would_come_here(bob, cast):
    assert b"Nothing waits for you" in bob.get("/inbox/").content


# ---- The picture


def test_the_picture_has_pods_channels_and_what_is_between_them(bob, cast):
    channel = make_channel(cast)
    parent, _ = pod_in(channel, cast, name="planner")
    child = builders.make_pod(cast.organization, owner=cast.bob, parent=parent)
    binding = ask(cast, cast.bob)
    data = bob.get("/map/data/").json()
    parents = {each["key"]: each["parent"] for each in data["pods"]}
    assert parents[child.key] == parent.key
    assert data["members"] == [{"channel": "plans", "pod": parent.key}]
    assert [each["state"] for each in data["bindings"]] == ["requested"]
    listed = bob.get("/map/").content.decode()
    assert f'id="row-{child.key}"' in listed
    assert str(binding.holder) in listed


def test_the_picture_hides_what_one_may_not_see(vera, charlie, cast):
    channel = make_channel(cast, is_private=True)
    pod_in(channel, cast)
    assert vera.get("/map/data/").json()["channels"] == []
    assert charlie.get("/map/data/").json() == {
        "pods": [],
        "channels": [],
        "bindings": [],
        "members": [],
    }


def test_an_ended_parent_of_a_living_pod_stays_in_the_picture(bob, cast):
    long_ago = {"state": PodState.COMPLETED, "ended_at": now() - timedelta(days=1)}
    parent = builders.make_pod(cast.organization, **long_ago)
    builders.make_pod(cast.organization, parent=parent)
    builders.make_pod(cast.organization, **long_ago)
    assert [each["ended"] for each in bob.get("/map/data/").json()["pods"]] == [True, False]


def test_each_thing_that_calls_is_told_to_the_page_under_an_id_of_its_own(bob, cast):
    asks, done = waiting_pod(cast, cast.bob), builders.make_pod(cast.organization, owner=cast.bob)
    report(by=actor_for_pod(done), status="done", text="The tests pass.")
    request = ask(cast, cast.bob)
    said = bob.get("/counts/").content.decode()
    assert said.index("Which database?") < said.index("The tests pass.")
    assert f'data-id="binding-{request.pk}"' in said
    report(by=actor_for_pod(asks), status="working", text="")
    report(by=actor_for_pod(asks), status="waiting", text="Which table?")
    assert "Which table?" in bob.get("/counts/").content.decode()


def test_what_calls_one_person_is_not_told_to_another(alice, charlie, cast):
    waiting_pod(cast, cast.bob)
    for client in (alice, charlie):
        assert "data-id" not in client.get("/counts/").content.decode()
