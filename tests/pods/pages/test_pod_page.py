"""The page of one Pod."""

import pytest
from django.urls import reverse

from pods.access import actor_for_pod
from pods.lifecycle import PodState
from pods.pages.workspace import lines
from pods.services.bindings import request_binding
from tests import builders


@pytest.fixture
def pod(cast):
    return builders.make_pod(cast.organization, owner=cast.bob, prompt="Fix it")


def test_it_names_the_websocket_and_what_its_reader_may_do(bob, viewer, pod):
    url = reverse("pod", args=[pod.key])
    owners, viewers = bob.get(url).content.decode(), viewer.get(url).content.decode()
    assert f'data-socket="/ws/pods/{pod.key}/terminal/"' in viewers
    assert "data-may-type" in owners
    assert "Terminate" in owners
    assert "data-may-type" not in viewers
    assert "Terminate this Pod" not in viewers


def test_a_request_to_drive_it_stands_below_its_terminal_for_who_may_answer(bob, viewer, pod):
    asks = builders.make_pod(
        pod.organization, owner=builders.make_user(organization=pod.organization)
    )
    given = {"scopes": ["terminal:write"], "reason": "to help"}
    binding = request_binding(asks, pod, by=actor_for_pod(asks), **given)
    url = reverse("pod", args=[pod.key])
    shown = bob.get(url).content.decode()
    assert f'id="asked-{binding.pk}"' in shown
    assert "type into it: “to help”" in shown
    assert 'id="asked-' not in viewer.get(url).content.decode()
    bob.post(reverse("act-on-binding", args=[binding.pk, "accept"]))
    assert 'id="asked-' not in bob.get(url).content.decode()


def test_its_owner_terminates_it_and_others_may_not(bob, viewer, pod):
    url = reverse("terminate-pod", args=[pod.key])
    assert viewer.post(url).status_code == 403
    pod.refresh_from_db()
    assert pod.state == PodState.RUNNING
    answer = bob.post(url, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert '"mesh:changed": "pod"' in answer["HX-Trigger"]
    pod.refresh_from_db()
    assert pod.state == PodState.STOPPING


def test_reading_the_page_of_termination_changes_nothing(bob, pod):
    assert bob.get(reverse("terminate-pod", args=[pod.key])).status_code == 405


def test_a_refusal_reaches_a_page_that_stays_as_a_notice(viewer, pod):
    url = reverse("terminate-pod", args=[pod.key])
    answer = viewer.post(url, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Reswap"]) == (409, "none")
    assert "mesh:refused" in answer["HX-Trigger"]


def test_changes_of_a_runner_that_is_away_are_said_to_be_away(bob, cast):
    away = builders.make_runner(cast.organization, online=False)
    pod = builders.make_pod(runner=away)
    answer = bob.get(reverse("pod-workspace", args=[pod.key]))
    assert answer.status_code == 200
    assert b"Its Runner is away" in answer.content


def test_a_start_that_failed_gives_its_reason_in_the_place_of_the_terminal(bob, cast):
    pod = builders.make_pod(
        cast.organization, state=PodState.FAILED, started_at=None, reason="git could not clone it."
    )
    content = bob.get(reverse("pod", args=[pod.key])).content
    assert b"It could not start" in content
    assert b"git could not clone it." in content


def test_each_line_of_a_diff_knows_its_kind():
    text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same"
    assert [line.kind for line in lines(text)] == ["file", "head", "head", "hunk", "del", "add", ""]
