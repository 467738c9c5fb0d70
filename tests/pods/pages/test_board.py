"""Pods as cards."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from pods.lifecycle import PodState
from pods.models import Pod
from pods.pages.looks import Group, PodLook
from pods.pages.steps import steps
from pods.services.attention import needing_person
from pods.services.prompts import queue_prompt, remove_prompt
from tests import builders


def groups(client, **query):
    found = client.get("/", query).context["groups"]
    return {str(group): [look.pod for look in looks] for group, looks in found.items()}


@pytest.mark.parametrize(
    ("state", "group"),
    [
        (PodState.PENDING, Group.WORKING),
        (PodState.STARTING, Group.WORKING),
        (PodState.RUNNING, Group.WORKING),  # what its agent does is not known: that is not idle
        (PodState.STOPPING, Group.ENDED),
        (PodState.LOST, Group.NEEDS_YOU),
        (PodState.COMPLETED, Group.ENDED),
        (PodState.FAILED, Group.ENDED),
        (PodState.TERMINATED, Group.ENDED),
    ],
)
def test_a_pod_stands_in_the_group_that_its_state_makes(alice, cast, state, group):
    pod = builders.make_pod(cast.organization, state=state)
    assert groups(alice) == {group: [pod]}


def ago(minutes):
    return now() - timedelta(minutes=minutes)


QUESTION = {"id": "q1", "text": "Run make deploy?", "choices": ["allow", "deny"]}
DOING = [
    ({"agent_state": "working"}, Group.WORKING),
    ({"agent_state": "idle"}, Group.IDLE),
    ({"agent_state": "unknown"}, Group.WORKING),
    ({"agent_state": "waiting"}, Group.NEEDS_YOU),
    ({"agent_state": "waiting", "question": QUESTION}, Group.NEEDS_YOU),
    ({"agent_state": "idle", "status": "working"}, Group.IDLE),
    ({"agent_state": "unknown", "status": "waiting"}, Group.NEEDS_YOU),
    ({"agent_state": "idle", "status": "waiting", "agent_since": ago(1)}, Group.NEEDS_YOU),
    ({"agent_state": "working", "status": "waiting", "agent_since": ago(9)}, Group.NEEDS_YOU),
    ({"agent_state": "working", "status": "waiting", "agent_since": ago(1)}, Group.WORKING),
    ({"agent_state": "idle", "status": "done", "agent_since": ago(1)}, Group.READY),
    ({"agent_state": "working", "status": "done", "agent_since": ago(9)}, Group.READY),
    ({"agent_state": "working", "status": "done", "agent_since": ago(1)}, Group.WORKING),
]


@pytest.mark.parametrize(("facts", "group"), DOING)
def test_what_runs_stands_where_facts_about_its_agent_put_it(alice, cast, facts, group):
    said = {"status_since": ago(5)} if "status" in facts else {}
    pod = builders.make_pod(cast.organization, **facts, **said)
    assert groups(alice) == {group: [pod]}
    needed = needing_person(Pod.objects.all())
    assert [*needed] == ([pod] if group is Group.NEEDS_YOU else [])


def test_a_prompt_that_did_not_reach_its_agent_calls_a_person_until_somebody_decides(alice, cast):
    pod = builders.make_pod(cast.organization, agent_state="idle")
    prompt = queue_prompt(pod, by=builders.actor_of(cast.alice), text="go on")
    pod.prompts.advance("sent")
    pod.prompts.advance("failed", evidence="It is still in the box.")
    assert groups(alice) == {Group.NEEDS_YOU: [pod]}
    assert b"Prompt 1 did not reach it. It is still in the box." in alice.get("/").content
    assert [*needing_person(Pod.objects.all())] == [pod]
    remove_prompt(prompt, by=builders.actor_of(cast.alice))
    assert groups(alice) == {Group.IDLE: [pod]}
    assert not needing_person(Pod.objects.all())


def test_what_ended_well_with_changes_is_ready_to_be_looked_at(alice, cast):
    runner = builders.make_runner(cast.organization)
    workspace = builders.make_workspace(runner, summary={"added": 12, "removed": 3})
    pod = builders.make_pod(runner=runner, state=PodState.COMPLETED, workspace=workspace)
    assert groups(alice) == {Group.READY: [pod]}


def test_who_waits_longest_stands_first(alice, cast):
    short, long, middle = (
        builders.make_pod(
            cast.organization, agent_state="waiting", agent_since=ago(minutes), question=QUESTION
        )
        for minutes in (1, 30, 5)
    )
    assert groups(alice) == {Group.NEEDS_YOU: [long, middle, short]}


def test_a_card_asks_the_exact_question_and_offers_its_answers_to_who_may_give_them(
    bob, viewer, cast
):
    builders.make_pod(
        cast.organization, owner=cast.bob, agent_state="waiting", agent_since=ago(3),
        question=QUESTION,
    )  # fmt: skip
    owners, viewers = bob.get("/").content.decode(), viewer.get("/").content.decode()
    for content in (owners, viewers):
        assert "Run make deploy?" in content
        assert ">3 min</time>" in content
    assert ("Allow" in owners, "Deny" in owners, "Always" in owners) == (True, True, False)
    assert "Deny" not in viewers


def test_usage_is_shown_when_it_is_known(alice, cast):
    builders.make_pod(cast.organization, usage={"input": 12_000, "output": 345, "cost_usd": 0.417})
    assert "12.3k tokens · ≈ $0.42" in alice.get("/").content.decode()
    assert PodLook(builders.make_pod(cast.organization)).usage == ""


def test_what_waits_for_a_runner_says_why(alice, cast):
    builders.make_pod(
        cast.organization, state=PodState.PENDING, waiting_for="build-7 is full (4 of 4 Pods)."
    )
    assert b"build-7 is full (4 of 4 Pods)." in alice.get("/").content


@pytest.mark.parametrize(
    ("name", "prompt", "headline"),
    [("ours", "first\nsecond", "ours"), ("", "\nfirst\nsecond", "first"), ("", "", None)],
)
def test_the_headline_is_the_name_else_the_prompts_first_line_else_the_key(
    cast, name, prompt, headline
):
    pod = builders.make_pod(cast.organization, name=name, prompt=prompt)
    assert PodLook(pod).headline == (headline or pod.key)


def test_a_silent_runner_is_said_beside_the_state_and_changes_no_state(alice, cast):
    silent = builders.make_runner(cast.organization, seen_at=now() - timedelta(minutes=5))
    pod = builders.make_pod(runner=silent)
    assert groups(alice) == {Group.WORKING: [pod]}
    assert b"Runner silent" in alice.get("/").content


def test_search_needs_every_word_and_looks_at_runner_branch_and_prompt(alice, cast):
    runner = builders.make_runner(cast.organization, name="attic")
    pod = builders.make_pod(runner=runner, prompt="Fix the login")
    builders.make_pod(runner=runner, prompt="Something else")
    assert groups(alice, q="login attic") == {Group.WORKING: [pod]}
    assert groups(alice, q="login cellar") == {}


def test_what_a_person_wrote_is_text_and_never_markup(alice, cast):
    builders.make_pod(cast.organization, name="<b>bold</b>", prompt="<script>alert(1)</script>")
    content = alice.get("/").content
    assert b"&lt;b&gt;bold&lt;/b&gt;" in content
    assert b"<b>bold" not in content


def test_an_empty_board_names_the_next_step(alice, cast):
    assert b"First, a machine to run on" in alice.get("/").content
    builders.make_runner(cast.organization)
    assert b"No Pods yet" in alice.get("/").content


def test_steps_show_how_far_a_start_has_come_and_where_it_broke(cast):
    pod = builders.make_pod(cast.organization, state=PodState.STARTING, started_at=None)
    pod.events.create(kind="state", state="pending", step="queued")
    pod.events.create(kind="progress", step="workspace", text="Cloning: 64 %")
    words = [step.look and step.look.word for step in steps(pod, pod.events.all())]
    assert words == ["done", "now", None, None]
    pod.state = PodState.FAILED
    broken = steps(pod, pod.events.all())[1]
    assert (broken.look and broken.look.word, broken.text) == ("failed", "Cloning: 64 %")
