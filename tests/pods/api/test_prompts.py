"""The queue of prompts by REST."""

import pytest

from accounts.actor import Scope
from accounts.models import Role
from pods.access import actor_for_pod
from pods.lifecycle import AgentState, PodState
from pods.models import Pod, Prompt
from pods.services.prompts import queue_prompt
from tests.builders import make_pod, make_user
from tests.pods.api.client import Caller, error

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def pod(cast):
    """Its agent is at work: what is queued for idle stays queued."""
    return make_pod(cast.organization, owner=cast.bob, agent_state=AgentState.WORKING)


@pytest.fixture
def bob(cast):
    return Caller(cast.bob)


def add(caller, pod, text="go on", **fields):
    answer = caller.post(f"pods/{pod.key}/prompts/", {"text": text, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def queue(caller, pod):
    listed = caller.get(f"pods/{pod.key}/prompts/?state=queued").json()["results"]
    return [each["text"] for each in sorted(listed, key=lambda each: each["position"])]


def test_one_is_queued_with_its_author_and_says_what_it_waits_for(bob, pod):
    prompt = add(bob, pod, "  two\nlines “quoted” 漢字\x1b[201~ ")
    assert prompt["text"] == "  two\nlines “quoted” 漢字\x1b[201~ "
    assert (prompt["number"], prompt["state"], prompt["when"]) == (1, "queued", "idle")
    assert (prompt["author_kind"], prompt["author"]) == ("token", "bob (test)")
    assert (prompt["position"], prompt["over_at"]) == (0, None)
    assert "when the agent is idle; now it is working" in prompt["waits_for"]
    assert [receipt["step"] for receipt in prompt["receipts"]] == ["queued"]
    assert add(bob, pod)["waits_for"] == "Others go first."


def test_edit_move_and_remove(bob, pod):
    one, two, three = (add(bob, pod, text) for text in ("one", "two", "three"))
    edited = bob.patch(f"prompts/{two['id']}/", {"text": "zwei", "when": "now"}).json()
    assert (edited["text"], edited["when"], edited["position"]) == ("zwei", "now", 0)
    moved = bob.post(f"prompts/{three['id']}/move/", {"before": one["id"]}).json()
    assert moved["position"] == 1
    assert queue(bob, pod) == ["zwei", "three", "one"]
    assert bob.post(f"prompts/{three['id']}/move/", {"position": 2}).json()["position"] == 2
    gone = bob.delete(f"prompts/{one['id']}/").json()
    assert (gone["state"], gone["text"], gone["position"]) == ("cancelled", "one", None)
    assert queue(bob, pod) == ["zwei", "three"]


def test_one_that_was_sent_or_is_over_is_not_changed(bob, pod):
    prompt = add(bob, pod)
    Prompt.objects.advance("sent")
    path = f"prompts/{prompt['id']}/"
    for answer in (
        bob.patch(path, {"text": "too late"}),
        bob.delete(path),
        bob.post(f"{path}move/", {"position": 0}),
    ):
        assert (answer.status_code, error(answer)["code"]) == (409, "prompt_sent")
        assert error(answer)["detail"] == {"state": "sent"}
    assert error(bob.post(f"{path}retry/"))["code"] == "not_failed"


def test_a_failed_one_says_why_and_is_tried_again_once(bob, pod):
    prompt = add(bob, pod)
    Prompt.objects.advance("sent")
    Prompt.objects.advance("failed", evidence="The text is still in the box.")
    path = f"prompts/{prompt['id']}/"
    last = bob.get(path).json()["receipts"][-1]
    assert (last["step"], last["evidence"]) == ("failed", "The text is still in the box.")
    again = bob.post(f"{path}retry/")
    assert (again.status_code, again.json()["retry_of"]) == (201, prompt["id"])
    assert bob.get(path).json()["is_put_aside"]
    assert bob.post(f"{path}retry/").status_code == 409


def test_sent_twice_with_the_same_key_it_is_queued_once(bob, pod):
    for _ in range(2):
        answer = bob.post(f"pods/{pod.key}/prompts/", {"text": "once"}, key="k")
        assert answer.status_code == 201
    assert queue(bob, pod) == ["once"]


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "x", "when": "later"}, {"text": "x", "to": "y"}],
)
def test_what_is_no_prompt_is_refused(bob, pod, body):
    assert bob.post(f"pods/{pod.key}/prompts/", body).status_code == 400
    assert not Prompt.objects.exists()


def test_odd_moves_are_refused(bob, pod):
    prompt = add(bob, pod)
    for body in ({}, {"before": prompt["id"]}, {"before": 1, "position": 1}, {"position": -1}):
        assert bob.post(f"prompts/{prompt['id']}/move/", body).status_code == 400
    assert bob.get(f"pods/{pod.key}/prompts/?state=odd").status_code == 400


def test_a_pod_that_has_ended_takes_none(bob, cast):
    ended = make_pod(cast.organization, owner=cast.bob, state=PodState.COMPLETED)
    answer = bob.post(f"pods/{ended.key}/prompts/", {"text": "x"})
    assert (answer.status_code, error(answer)["code"]) == (409, "pod_ended")


# ---- Who may


WHO = {
    "its owner": lambda cast: Caller(cast.bob),
    "an admin": lambda cast: Caller(cast.alice),
    "another member": lambda cast: Caller(make_user("carol", organization=cast.organization)),
    "a viewer": lambda cast: Caller(
        make_user("vera", organization=cast.organization, role=Role.VIEWER)
    ),
    "a stranger": lambda cast: Caller(cast.charlie),
    "a token that reads": lambda cast: Caller(cast.bob, scopes=[Scope.PODS_READ]),
    "a token that types": lambda cast: Caller(
        cast.bob, scopes=[Scope.PODS_READ, Scope.TERMINAL_WRITE]
    ),
    "a token of Channels": lambda cast: Caller(cast.bob, scopes=[Scope.CHANNELS_READ]),
}
MAY = {  # read, change
    "its owner": (200, 201),
    "an admin": (200, 201),
    "another member": (200, 403),
    "a viewer": (200, 403),
    "a stranger": (404, 404),
    "a token that reads": (200, 403),
    "a token that types": (200, 201),
    "a token of Channels": (403, 403),
}


@pytest.mark.parametrize("who", [*WHO])
def test_who_reads_a_pod_reads_its_queue_and_who_types_into_it_changes_it(cast, pod, bob, who):
    prompt = add(bob, pod)
    caller, (read, change) = WHO[who](cast), MAY[who]
    one = f"prompts/{prompt['id']}/"
    assert caller.get(f"pods/{pod.key}/prompts/").status_code == read
    assert caller.get(one).status_code == read
    assert caller.post(f"pods/{pod.key}/prompts/", {"text": "x"}).status_code == change
    done = 200 if change == 201 else change
    assert caller.patch(one, {"text": "other"}).status_code == done
    assert caller.post(f"{one}move/", {"position": 0}).status_code == done
    assert caller.post(f"{one}retry/").status_code == (409 if change == 201 else change)
    assert caller.delete(one).status_code == done
    changed = Prompt.objects.get(pk=prompt["id"])
    assert (changed.state == "cancelled") == (change == 201)


def test_a_strangers_refusal_says_nothing_of_the_pod(cast, pod, bob):
    prompt = add(bob, pod)
    charlie = Caller(cast.charlie)
    there, nowhere = (charlie.get(f"prompts/{id_}/") for id_ in (prompt["id"], 10**9))
    assert error(there)["message"].replace(str(prompt["id"]), "N") == error(nowhere)[
        "message"
    ].replace(str(10**9), "N")


def test_a_pods_author_is_its_key(cast, pod, bob):
    parent = make_pod(cast.organization, name="planner")
    queue_prompt(Pod.objects.get(pk=pod.pk), by=actor_for_pod(parent), text="go on")
    shown = bob.get(f"pods/{pod.key}/prompts/").json()["results"][0]
    assert (shown["author_kind"], shown["author"]) == ("pod", parent.key)
