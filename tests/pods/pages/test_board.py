"""Pods as cards."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from pods.lifecycle import PodState
from pods.pages.looks import Group, PodLook, steps
from tests import builders


def groups(client, **query):
    found = client.get("/", query).context["groups"]
    return {str(group): [look.pod for look in looks] for group, looks in found.items()}


@pytest.mark.parametrize(
    ("state", "group"),
    [
        (PodState.PENDING, Group.WAITING),
        (PodState.STARTING, Group.PREPARING),
        (PodState.RUNNING, Group.RUNNING),
        (PodState.STOPPING, Group.RUNNING),
        (PodState.LOST, Group.NEEDS_YOU),
        (PodState.COMPLETED, Group.ENDED),
        (PodState.FAILED, Group.ENDED),
        (PodState.TERMINATED, Group.ENDED),
    ],
)
def test_a_pod_stands_in_the_group_that_its_state_makes(alice, cast, state, group):
    pod = builders.make_pod(cast.organization, state=state)
    assert groups(alice) == {group: [pod]}


def test_a_pod_that_has_a_runner_and_waits_for_it_is_being_prepared(alice, cast):
    runner = builders.make_runner(cast.organization)
    pod = builders.make_pod(runner=runner, state=PodState.PENDING)
    assert groups(alice) == {Group.PREPARING: [pod]}


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
    assert groups(alice) == {Group.RUNNING: [pod]}
    assert b"Runner silent" in alice.get("/").content


def test_search_needs_every_word_and_looks_at_runner_branch_and_prompt(alice, cast):
    runner = builders.make_runner(cast.organization, name="attic")
    pod = builders.make_pod(runner=runner, prompt="Fix the login")
    builders.make_pod(runner=runner, prompt="Something else")
    assert groups(alice, q="login attic") == {Group.RUNNING: [pod]}
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
