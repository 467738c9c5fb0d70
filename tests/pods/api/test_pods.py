"""Pods over REST."""

import pytest
from django.utils.timezone import now

from accounts.models import Role
from pods.commands import CommandKind, CommandState
from pods.lifecycle import PodState
from pods.models import Command, Pod, Runner
from tests.builders import (
    Cast,
    built_in,
    make_pod,
    make_repository,
    make_runner,
    make_user,
    make_workspace,
)
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db

FIELDS = {
    "key",
    "name",
    "state",
    "state_since",
    "reason",
    "waiting_for",
    "agent_type",
    "runner",
    "repository",
    "workspace",
    "owner",
    "parent",
    "prompt",
    "permissions",
    "model",
    "version",
    "version_warning",
    "credentials",
    "cols",
    "rows",
    "isolation",
    "exit_code",
    "status",
    "status_text",
    "status_since",
    "agent_state",
    "agent_source",
    "agent_text",
    "agent_evidence",
    "agent_since",
    "question",
    "usage",
    "conversation",
    "created_at",
    "started_at",
    "ended_at",
    "archived_at",
    "resumed_from",
    "forked_from",
    "disconnected_since",
    "url",
    "terminal_url",
}


@pytest.fixture
def bob(cast: Cast) -> Caller:
    built_in("shell")
    return Caller(cast.bob)


def test_a_pod_is_made_and_read(cast: Cast, bob: Caller) -> None:
    runner = make_runner(cast.organization, name="mac")
    make_repository(cast.organization, slug="mesh")
    made = bob.post(
        "pods/", {"agent_type": "shell", "repository": "mesh", "runner": runner.pk, "cols": 100}
    )
    assert made.status_code == 201, made.content
    pod = made.json()
    assert set(pod) == FIELDS
    assert pod["runner"]["name"] == "mac"
    assert pod["runner"]["online"] is True
    assert (pod["state"], pod["owner"], pod["repository"]) == ("pending", "bob", "mesh")
    assert pod["workspace"]["branch"] == f"mesh/{pod['key']}"
    assert pod["url"] == f"http://testserver/pods/{pod['key']}/"
    assert pod["terminal_url"] == f"ws://testserver/ws/pods/{pod['key']}/terminal/"
    assert bob.get(f"pods/{pod['key']}/").json() == pod


@pytest.mark.parametrize(
    ("version", "warning"), [("9.0.0", "9.0.0 is outside the tested >="), ("", "")]
)
def test_a_version_that_its_agent_type_was_not_tried_with_is_warned_of(
    bob: Caller, version: str, warning: str
) -> None:
    built_in("claude")
    pod = bob.post("pods/", {"agent_type": "claude", "version": version}).json()
    assert pod["version_warning"][: len("9.0.0 is outside the tested >=")] == warning


def test_a_pod_that_waits_says_why(bob: Caller) -> None:
    pod = bob.post("pods/", {"agent_type": "shell", "labels": {"gpu": "yes"}}).json()
    assert pod["runner"] is None
    assert pod["waiting_for"] == "No Runner has the labels gpu=yes."


def test_a_pod_whose_runner_is_silent_says_since_when(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    assert bob.get(f"pods/{pod.key}/").json()["disconnected_since"] is None
    left = now()
    Runner.objects.update(gateway="", detached_at=left)
    seen = bob.get(f"pods/{pod.key}/").json()
    assert seen["disconnected_since"] == left.isoformat()
    assert seen["state"] == "running"
    assert seen["runner"]["online"] is False


def test_pods_are_listed_newest_first_in_pages(cast: Cast, bob: Caller) -> None:
    keys = [make_pod(cast.organization).key for _ in range(5)]
    path, seen, pages = "pods/?limit=2", [], 0
    while path:
        page = bob.get(path).json()
        assert set(page) == {"results", "next"}
        seen += [pod["key"] for pod in page["results"]]
        path = (page["next"] or "").removeprefix("http://testserver/api/v1/")
        pages += 1
    assert seen == keys[::-1]
    assert pages == 3


def test_a_page_that_ends_with_the_last_pod_has_no_next(cast: Cast, bob: Caller) -> None:
    make_pod(cast.organization)
    assert bob.get("pods/?limit=1").json()["next"] is None


def test_pods_are_filtered(cast: Cast, bob: Caller) -> None:
    runner = make_runner(cast.organization)
    repository = make_repository(cast.organization, slug="mesh")
    right = make_pod(
        runner=runner, owner=cast.bob, workspace=make_workspace(runner, repository=repository)
    )
    make_pod(cast.organization, state=PodState.FAILED)
    child = make_pod(cast.organization, state=PodState.LOST, parent=right)

    def found(query: str) -> set[str]:
        return {pod["key"] for pod in bob.get(f"pods/?{query}").json()["results"]}

    for query in ("state=running", f"runner={runner.pk}", "repository=mesh", "owner=bob"):
        assert found(query) == {right.key}, query
    assert found("state=running&state=lost") == {right.key, child.key}
    assert found(f"parent={right.key}") == {child.key}
    assert found("agent_type=nothing") == set()


def test_a_list_costs_the_same_however_long(
    cast: Cast, bob: Caller, django_assert_max_num_queries: object
) -> None:
    for _ in range(10):
        make_pod(cast.organization, owner=cast.bob)
    with django_assert_max_num_queries(5):
        assert len(bob.get("pods/").json()["results"]) == 10


def test_events_are_listed_oldest_first(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, state=PodState.RUNNING)
    Pod.objects.filter(pk=pod.pk).advance(PodState.STOPPING, reason="enough")
    Pod.objects.filter(pk=pod.pk).advance(PodState.TERMINATED)
    events = bob.get(f"pods/{pod.key}/events/").json()["results"]
    assert [event["state"] for event in events] == ["stopping", "terminated"]
    assert (events[0]["was"], events[0]["text"]) == ("running", "enough")
    assert bob.get(f"pods/{pod.key}/events/?limit=1").json()["next"]


def test_a_pod_is_terminated(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    answer = bob.post(f"pods/{pod.key}/terminate/", {"grace_s": 2})
    assert (answer.status_code, answer.json()["state"]) == (200, "stopping")
    assert Command.objects.get().payload["grace_s"] == 2


def test_terminate_needs_no_body(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    assert bob.post(f"pods/{pod.key}/terminate/", b"", content_type="").status_code == 200


def test_another_members_pod_is_seen_and_not_ended(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.alice)
    assert bob.get(f"pods/{pod.key}/").status_code == 200
    refused = bob.post(f"pods/{pod.key}/terminate/")
    assert (refused.status_code, error(refused)["code"]) == (403, "not_yours")
    pod.refresh_from_db()
    assert pod.state == PodState.RUNNING


def test_a_viewer_makes_nothing(cast: Cast) -> None:
    eve = Caller(make_user("eve", organization=cast.organization, role=Role.VIEWER))
    for path in ("pods/", "repositories/", "agent-types/", "runners/enrollment-tokens/"):
        body = {"agent_type": "shell", "name": "x", "url": "/x", "slug": "x"}
        wanted = {
            "pods/": ["agent_type"],
            "repositories/": ["name", "url"],
            "agent-types/": ["name", "slug"],
        }
        refused = eve.post(path, {name: body[name] for name in wanted.get(path, [])})
        assert refused.status_code == 403, path


def test_a_scope_that_is_missing_is_named(cast: Cast) -> None:
    narrow = Caller(cast.bob, scopes=["pods:read"])
    refused = narrow.post("pods/", {"agent_type": "shell"})
    assert refused.status_code == 403
    assert error(refused)["detail"] == {"missing": ["pods:write"]}


# ---- execute


def test_execute_that_is_not_over_in_time_answers_with_its_command(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    answer = bob.post(f"pods/{pod.key}/execute/", {"argv": ["sleep", "9"], "timeout_s": 0.05})
    assert answer.status_code == 202, answer.content
    command = bob.get(f"commands/{answer.json()['command']}/").json()
    assert (command["state"], command["kind"], command["pod"]) == ("expired", "execute", pod.key)


def test_a_shell_line_is_run_by_sh(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    bob.post(f"pods/{pod.key}/execute/", {"shell": "ls | wc", "timeout_s": 0.01})
    assert Command.objects.get().payload["argv"] == ["sh", "-c", "ls | wc"]


@pytest.mark.parametrize(
    "body", [{}, {"argv": ["ls"], "shell": "ls"}, {"argv": "ls"}, {"shell": "ls", "timeout_s": "x"}]
)
def test_execute_takes_one_command_line(cast: Cast, bob: Caller, body: dict[str, object]) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    assert bob.post(f"pods/{pod.key}/execute/", body).status_code == 400
    assert not Command.objects.exists()


def test_execute_on_a_runner_that_is_away_says_when_to_come_back(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    Runner.objects.update(gateway="", detached_at=now())
    answer = bob.post(f"pods/{pod.key}/execute/", {"argv": ["ls"]})
    assert (answer.status_code, error(answer)["code"]) == (503, "runner_offline")
    assert answer.headers["Retry-After"] == "10"
    assert error(answer)["detail"]["since"] is not None


def test_execute_needs_a_running_pod(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob, state=PodState.COMPLETED)
    answer = bob.post(f"pods/{pod.key}/execute/", {"argv": ["ls"]})
    assert (answer.status_code, error(answer)["code"]) == (409, "pod_not_running")


# ---- terminals, whose Runner is not there


@pytest.mark.parametrize("what", ["output/", "workspace/", "workspace/log/", "workspace/diff/"])
def test_what_only_the_runner_knows_is_503_while_it_is_away(
    cast: Cast, bob: Caller, what: str
) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    Runner.objects.update(gateway="", detached_at=now())
    answer = bob.get(f"pods/{pod.key}/{what}")
    assert (answer.status_code, error(answer)["code"]) == (503, "runner_offline"), answer.content
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("output/?offset=-1", "bad_offset"),
        ("output/?limit=0", "bad_limit"),
        ("output/?limit=1048577", "bad_limit"),
        ("workspace/diff/?base=-x", "bad_base"),
        ("workspace/diff/?path=../x", "bad_path"),
        ("workspace/diff/?path=/etc", "bad_path"),
        ("workspace/log/?limit=501", "bad_limit"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_before_it_is_asked(
    cast: Cast, bob: Caller, path: str, code: str
) -> None:
    pod = make_pod(cast.organization)
    answer = bob.get(f"pods/{pod.key}/{path}")
    assert (answer.status_code, error(answer)["code"]) == (400, code)


@pytest.mark.parametrize(
    "size", [{"cols": 0, "rows": 1}, {"cols": 80, "rows": 1001}, {"cols": 80}, {"cols": "a"}]
)
def test_a_size_that_makes_no_sense_is_refused(
    cast: Cast, bob: Caller, size: dict[str, object]
) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    assert bob.post(f"pods/{pod.key}/resize/", size).status_code == 400


def test_a_command_shows_what_became_of_it(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    bob.post(f"pods/{pod.key}/terminate/")
    command = Command.objects.get()
    Command.objects.advance(CommandState.SENT)
    Command.objects.advance(CommandState.DONE, result={"exit_code": 0}, done_at=now())
    shown = bob.get(f"commands/{command.pk}/").json()
    assert (shown["state"], shown["kind"]) == ("done", CommandKind.TERMINATE)
    assert shown["result"] == {"exit_code": 0}
    assert "payload" not in shown
