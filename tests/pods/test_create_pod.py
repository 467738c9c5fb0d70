"""Asking for a Pod."""

from dataclasses import replace
from typing import Any

import pytest

from accounts.models import AuditEvent, Role
from pods.access import actor_for_pod
from pods.commands import CommandKind, CommandState
from pods.errors import NotAllowedError, RefusedError
from pods.lifecycle import PodState
from pods.models import AgentType, Command, Pod, PodEvent, Workspace
from pods.services.pods import PodRequest, create_pod
from tests.builders import (
    Cast,
    actor_of,
    built_in,
    make_agent_type,
    make_pod,
    make_repository,
    make_runner,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def ask(cast: Cast, **wanted: Any) -> Pod:
    built_in("shell")
    return create_pod(
        by=actor_of(cast.bob), request=PodRequest(**{"agent_type": "shell", **wanted})
    )


def refused(cast: Cast, **wanted: Any) -> str:
    """The code it is refused with; nothing may be left of it."""
    with pytest.raises(RefusedError) as error:
        ask(cast, **wanted)
    assert not Pod.objects.exists()
    assert not Workspace.objects.exists()
    assert not Command.objects.exists()
    return error.value.code


def test_it_is_placed_and_its_start_is_queued_with_all_the_runner_needs(cast: Cast) -> None:
    runner = make_runner(cast.organization)
    repository = make_repository(cast.organization, slug="mesh", default_branch="main")
    declared = built_in("shell").declared
    pod = ask(cast, repository="mesh", prompt="hello", env={"LANG": "C"}, cols=120, rows=40)
    command = Command.objects.get()
    assert (pod.state, pod.runner, pod.waiting_for) == (PodState.PENDING, runner, "")
    assert (command.kind, command.state, command.pod) == (
        CommandKind.START,
        CommandState.QUEUED,
        pod,
    )
    launch = {name: command.payload.pop(name) for name in ("agent", "session")}
    assert launch["agent"]["launch"]["argv"] == declared["launch"]["argv"]
    assert launch["session"] == pod.spec["session"]
    assert command.payload == {
        "pod": pod.key,
        "argv": declared["launch"]["argv"],
        "conversation": "",
        "resume": False,
        "fork": False,
        "permissions": "",
        "model": "",
        "secrets": {},
        "use_login": False,
        "env": {"LANG": "C"},
        "cols": 120,
        "rows": 40,
        "workspace": {
            "id": pod.workspace_id,
            "repository_url": repository.url,
            "base": "main",
            "branch": f"mesh/{pod.key}",
        },
    }


def test_it_belongs_to_who_asked_and_is_recorded(cast: Cast) -> None:
    pod = ask(cast)
    assert (pod.owner, pod.organization, pod.parent) == (cast.bob, cast.organization, None)
    assert PodEvent.objects.get().step == "queued"
    assert AuditEvent.objects.get().action == "pod.create"


def test_without_a_repository_its_workspace_is_empty(cast: Cast) -> None:
    make_runner(cast.organization)
    ask(cast)
    workspace = Command.objects.get().payload["workspace"]
    assert (workspace["repository_url"], workspace["branch"]) == ("", "")


def test_without_a_runner_it_waits_and_says_why(cast: Cast) -> None:
    pod = ask(cast)
    assert (pod.state, pod.runner) == (PodState.PENDING, None)
    assert pod.waiting_for == "There is no Runner yet: add one on the Runners page."


def test_a_pod_asks_for_a_child_that_belongs_to_its_own_owner(cast: Cast) -> None:
    parent = make_pod(cast.organization, owner=cast.bob)
    built_in("shell")
    child = create_pod(by=actor_for_pod(parent), request=PodRequest(agent_type="shell"))
    assert (child.parent, child.owner) == (parent, cast.bob)


def test_a_viewer_may_not_ask(cast: Cast) -> None:
    eve = make_user("eve", organization=cast.organization, role=Role.VIEWER)
    with pytest.raises(NotAllowedError):
        create_pod(by=actor_of(eve), request=PodRequest(agent_type="shell"))
    assert not Pod.objects.exists()


def test_a_custom_agent_takes_its_command_line_from_the_pod(cast: Cast) -> None:
    make_agent_type("own", argv=[], env={"A": "1", "B": "1"})
    pod = ask(cast, agent_type="own", argv=("top", "-d1"), env={"B": "2"})
    assert (pod.spec["argv"], pod.spec["env"]) == (["top", "-d1"], {"B": "2"})
    launch = pod.spec["agent"]["launch"]
    assert (launch["argv"], launch["env"]) == (["top", "-d1"], {"A": "1", "B": "1"})


def test_an_organizations_own_agent_type_goes_before_the_built_in_one(cast: Cast) -> None:
    built_in("shell")
    own = make_agent_type("shell", organization=cast.organization, argv=["fish"])
    make_agent_type("shell", organization=cast.stranger, argv=["evil"])
    assert ask(cast).agent_type == own


def test_a_disabled_agent_type_is_as_unknown(cast: Cast) -> None:
    make_agent_type("old", enabled=False)
    assert refused(cast, agent_type="old") == "unknown_agent_type"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"agent_type": "nothing"}, "unknown_agent_type"),
        ({"agent_type": ""}, "unknown_agent_type"),
        ({"repository": "nothing"}, "unknown_repository"),
        ({"repository": "/etc"}, "unknown_repository"),
        ({"runner": "nothing"}, "unknown_runner"),
        ({"runner": "99999999999999999999"}, "unknown_runner"),
        ({"branch": "x"}, "no_repository"),
        ({"repository": "ours", "branch": "a..b"}, "bad_branch"),
        ({"repository": "ours", "base": "-x"}, "bad_base"),
        ({"env": {"1": "x"}}, "bad_env"),
        ({"env": {"HOME": "/root"}}, "bad_env"),
        ({"cols": 0}, "bad_size"),
        ({"rows": 1001}, "bad_size"),
        ({"prompt": "x" * 65_537}, "prompt_too_long"),
        ({"prompt": "é" * 32_769}, "prompt_too_long"),
        ({"name": "a\nb"}, "bad_name"),
        ({"name": "x" * 101}, "bad_name"),
        ({"labels": {"x" * 101: "y"}}, "bad_labels"),
        ({"argv": ("ls",)}, "argv_not_taken"),
        ({"agent_type": "own"}, "bad_argv"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    cast: Cast, wanted: dict[str, Any], code: str
) -> None:
    make_agent_type("own", argv=[])
    make_repository(cast.organization, slug="ours")
    assert refused(cast, **wanted) == code


def test_what_belongs_to_others_is_as_unknown(cast: Cast) -> None:
    make_repository(cast.stranger, slug="theirs")
    theirs = make_runner(cast.stranger, name="theirs")
    make_agent_type("theirs", organization=cast.stranger)
    assert refused(cast, repository="theirs") == "unknown_repository"
    assert refused(cast, runner="theirs") == "unknown_runner"
    assert refused(cast, runner=str(theirs.pk)) == "unknown_runner"
    assert refused(cast, agent_type="theirs") == "unknown_agent_type"


def test_the_largest_of_everything_is_taken(cast: Cast) -> None:
    make_runner(cast.organization)
    pod = ask(cast, prompt="x" * 65_536, name="x" * 100, cols=1000, rows=1000)
    assert len(pod.prompt) == 65_536


def test_built_in_agent_types_are_there_from_the_start() -> None:
    seeded = AgentType.objects.filter(organization=None)
    assert set(seeded.values_list("slug", flat=True)) == {
        *("aider", "claude", "codex", "custom", "demo", "gemini", "opencode", "shell")
    }


def test_a_request_is_not_changed(cast: Cast) -> None:
    built_in("shell")
    request = PodRequest(agent_type="shell", labels={"a": "b"})
    same = replace(request)
    create_pod(by=actor_of(cast.bob), request=request)
    assert request == same
