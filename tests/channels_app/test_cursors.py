"""Who stays or comes back sees each number once and in order, whatever gets lost or repeated on the way."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels_app.models import Channel, Member
from channels_app.services import channels, messages
from pods.access import actor_for_pod
from pods.toolbox import Wait, run_tool
from tests.builders import actor_of, make_pod
from tests.channels_app.rooms import make_channel

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ACTS = ["say", "say", "own", "wait", "lose", "read", "read_again", "leave", "crash"]


class Listener:
    """A Pod that keeps the last number it has worked on, and asks for what comes after it."""

    def __init__(self, cast: Any) -> None:
        self.actor = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
        self.worked_on: list[int] = []

    @property
    def at(self) -> int:
        return self.worked_on[-1] if self.worked_on else 0

    def ask(self, name: str, **given: Any) -> None:
        outcome = run_tool(self.actor, name, {"after": self.at, **given})
        if not isinstance(outcome, Wait):
            self.worked_on += [message["number"] for message in outcome.data["messages"]]


def _act(act, room, listener, bob):
    match act:
        case "say":
            messages.post(room, by=bob, body="x")
        case "own":
            messages.post(room, by=listener.actor, body="mine")
        case "wait":
            listener.ask("wait_for_messages", channels=["plans"])
        case "lose":  # an answer that never arrives
            run_tool(listener.actor, "wait_for_messages", {"channels": ["plans"]})
        case "read" | "read_again":
            listener.ask("read_channel", channel="plans", limit=2)
        case "leave":
            channels.leave(room, by=listener.actor)
            channels.join(room, by=listener.actor)
        case "crash":  # a cursor as it was some time ago
            Member.objects.filter(pod_id=listener.actor.pod_id).update(read=0, delivered=0)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=20))
def test_who_names_its_last_number_misses_and_repeats_nothing(acts, cast):
    Channel.objects.all().delete()
    room, listener, bob = make_channel(cast), Listener(cast), actor_of(cast.bob)
    channels.join(room, by=listener.actor)
    for act in acts:
        _act(act, room, listener, bob)
    listener.ask("read_channel", channel="plans", limit=100)
    said = acts.count("say") + acts.count("own")
    assert listener.worked_on == list(range(1, said + 1))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from(["say", "own", "wait", "read"]), max_size=20))
def test_who_leaves_it_to_its_cursor_gets_each_number_once_in_order(acts, cast):
    Channel.objects.all().delete()
    room, bob = make_channel(cast), actor_of(cast.bob)
    actor, got = actor_for_pod(make_pod(cast.organization, owner=cast.bob)), []
    channels.join(room, by=actor)
    for act in [*acts, "read"]:
        if act in {"say", "own"}:
            messages.post(room, by=bob if act == "say" else actor, body="x")
            continue
        name, given = (
            ("wait_for_messages", {}) if act == "wait" else ("read_channel", {"channel": "plans"})
        )
        outcome = run_tool(actor, name, given)
        if not isinstance(outcome, Wait):
            got += [message["number"] for message in outcome.data["messages"]]
    own = [m.number for m in messages.after(room, 0) if m.author_pod_id == actor.pod_id]
    assert got == sorted(set(got))
    assert set(got) | set(own) == set(
        range(1, len(acts) - acts.count("wait") - acts.count("read") + 1)
    )
