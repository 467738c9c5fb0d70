"""The launch of a Pod: resolved once from its type and what was chosen, and kept as it is."""

import uuid
from typing import Any

import pytest

from accounts.models import AuditEvent, Organization
from pods.access import actor_for_pod
from pods.errors import NotAllowedError, RefusedError
from pods.lifecycle import PodState
from pods.models import AgentType, Command, Pod
from pods.services.launching import respec
from pods.services.placing import place_pending
from pods.services.pods import PodRequest, create_pod
from pods.services.vault import reference
from tests.builders import Cast, actor_of, built_in, make_agent_type, make_credentials, make_runner

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def _types(db: None) -> None:
    built_in("claude")


def ask(cast: Cast, by: Any = None, **wanted: Any) -> Pod:
    request = PodRequest(**{"agent_type": "claude", **wanted})
    return create_pod(by=by or actor_of(cast.bob), request=request)


def refused(cast: Cast, **wanted: Any) -> RefusedError:
    with pytest.raises(RefusedError) as error:
        ask(cast, **wanted)
    assert not Pod.objects.exists()
    return error.value


def able(cast: Cast, **fields: Any) -> Any:
    return make_runner(cast.organization, agents=[{"slug": "install:npm"}], **fields)


# ---- Permissions


def test_without_a_choice_it_asks_before_it_does_anything(cast: Cast) -> None:
    pod = ask(cast)
    assert pod.spec["permissions"] == "ask"
    assert _following(pod, "--permission-mode") == ["--permission-mode", "default"]


def test_the_organizations_default_is_used_where_nothing_is_chosen(cast: Cast) -> None:
    Organization.objects.update(default_permissions="edit")
    assert ask(cast).spec["permissions"] == "edit"
    assert ask(cast, permissions="bypass").spec["permissions"] == "bypass"


def test_a_mode_the_agent_does_not_have_is_refused_with_those_it_has(cast: Cast) -> None:
    error = refused(cast, agent_type="gemini", permissions="auto")
    assert (error.code, error.detail["field"]) == ("bad_permissions", "permissions")
    assert "choose one of ask, edit, bypass" in error.message


def test_an_agent_without_modes_has_none(cast: Cast) -> None:
    assert ask(cast, agent_type="shell").spec["permissions"] == ""
    with pytest.raises(RefusedError, match="leave permissions out"):
        ask(cast, agent_type="shell", permissions="ask")


def test_a_pod_gives_its_children_what_it_has_and_no_more(cast: Cast) -> None:
    parent = actor_for_pod(ask(cast, permissions="edit"))
    assert ask(cast, by=parent).spec["permissions"] == "edit"
    assert ask(cast, by=parent, permissions="ask").spec["permissions"] == "ask"
    with pytest.raises(NotAllowedError, match="ask a person"):
        ask(cast, by=parent, permissions="bypass")


# ---- Model and version


def test_a_chosen_model_is_in_the_command_line_and_a_set_may_bring_one(cast: Cast) -> None:
    make_credentials(cast.organization, model="opus")
    assert ask(cast).spec["model"] == "opus"
    chosen = ask(cast, model="sonnet")
    assert chosen.spec["model"] == "sonnet"
    assert _following(chosen, "--model") == ["--model", "{model}"]
    assert "--model" not in ask(cast, credentials="none").spec["argv"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"model": "--evil"}, "bad_model"),
        ({"agent_type": "shell", "model": "opus"}, "bad_model"),
        ({"version": "newest!"}, "bad_version"),
        ({"agent_type": "shell", "version": "1.0"}, "bad_version"),
        ({"credentials": "nothing"}, "unknown_credentials"),
        ({"agent_type": "shell", "credentials": "nothing"}, "bad_credentials"),
        ({"agent_type": "aider", "credentials": "runner"}, "bad_credentials"),
    ],
)
def test_what_cannot_be_chosen_is_refused(cast: Cast, wanted: dict[str, str], code: str) -> None:
    assert refused(cast, **wanted).code == code


def test_a_chosen_version_is_the_one_that_is_installed(cast: Cast) -> None:
    assert ask(cast, version="2.1.300").spec["agent"]["install"]["version"] == "2.1.300"


# ---- Credentials


def test_the_start_names_secrets_by_reference_alone(cast: Cast) -> None:
    able(cast)
    made = make_credentials(cast.organization, api_key="sk-not-to-be-seen-0000")
    pod = ask(cast)
    payload = Command.objects.get().payload
    assert payload["secrets"] == {"api_key": reference(made.secrets.get())}
    declared = pod.agent_type.declared["credentials"]
    assert payload["agent"]["credentials"]["api_key"] == declared["api_key"] != ""
    assert (pod.credentials, payload["use_login"]) == (made, False)
    assert "not-to-be-seen" not in str(payload) + str(pod.spec)


def test_ones_own_set_goes_before_the_organizations(cast: Cast) -> None:
    shared = make_credentials(cast.organization)
    own = make_credentials(cast.organization, user=cast.bob)
    make_credentials(cast.organization, user=cast.alice)
    assert ask(cast).credentials == own
    assert ask(cast, credentials=shared.slug).credentials == shared


def test_a_set_of_another_provider_is_not_taken(cast: Cast) -> None:
    openai = make_credentials(cast.organization, provider="openai")
    assert ask(cast).credentials is None
    assert ask(cast, agent_type="codex").credentials == openai
    with pytest.raises(RefusedError):
        ask(cast, credentials=openai.slug)


def test_a_set_of_somebody_else_is_as_unknown(cast: Cast) -> None:
    theirs = make_credentials(cast.stranger)
    alices = make_credentials(cast.organization, user=cast.alice)
    for slug in (theirs.slug, alices.slug):
        assert refused(cast, credentials=slug).code == "unknown_credentials"


@pytest.mark.parametrize(("lent", "used"), [(True, True), (False, False)])
def test_without_a_set_the_runners_login_is_used_where_it_is_lent(
    cast: Cast, lent: bool, used: bool
) -> None:
    able(cast, lends_login=lent)
    ask(cast)
    assert Command.objects.get().payload["use_login"] is used


def test_none_means_none(cast: Cast) -> None:
    able(cast, lends_login=True)
    make_credentials(cast.organization, api_key="sk-0000000000000000")
    assert ask(cast, credentials="none").credentials is None
    payload = Command.objects.get().payload
    assert (payload["secrets"], payload["use_login"]) == ({}, False)


def test_what_was_chosen_is_on_record(cast: Cast) -> None:
    made = make_credentials(cast.organization)
    ask(cast, permissions="bypass", model="opus")
    assert AuditEvent.objects.get(action="pod.create").detail == {
        "agent_type": "claude",
        "permissions": "bypass",
        "model": "opus",
        "credentials": made.slug,
    }


# ---- Kept, and gone on with


def test_a_launch_does_not_change_with_its_type(cast: Cast) -> None:
    make_agent_type("own", organization=cast.organization, argv=["first"])
    pod = ask(cast, agent_type="own")
    AgentType.objects.filter(slug="own").update(argv=["second"])
    pod.refresh_from_db()
    assert pod.spec["argv"] == pod.spec["agent"]["launch"]["argv"] == ["first"]


def test_each_pod_has_a_conversation_of_its_own(cast: Cast) -> None:
    sessions = {ask(cast).spec["session"] for _ in range(3)}
    assert len(sessions) == 3
    assert all(uuid.UUID(session) for session in sessions)


def test_a_resume_is_the_same_launch_with_the_same_conversation(cast: Cast) -> None:
    pod = ask(cast, permissions="edit", model="opus")
    spec = respec(pod, by=actor_of(cast.bob))
    assert (spec["session"], spec["conversation"]) == (pod.spec["session"],) * 2
    assert (spec["resume"], spec["fork"]) == (True, False)
    changed = {"session", "conversation", "resume"}
    assert {k: v for k, v in spec.items() if k not in changed} == {
        k: v for k, v in pod.spec.items() if k not in changed
    }


def test_an_agent_that_names_its_own_conversation_is_resumed_by_that_name(cast: Cast) -> None:
    pod = ask(cast, agent_type="codex")
    pod.conversation = "thread-1"
    assert respec(pod, by=actor_of(cast.bob))["conversation"] == "thread-1"


def test_a_fork_has_a_new_conversation_beside_the_one_it_copies(cast: Cast) -> None:
    pod = ask(cast)
    spec = respec(pod, by=actor_of(cast.bob), fork=True)
    assert spec["conversation"] == pod.spec["session"] != spec["session"]
    assert (spec["resume"], spec["fork"]) == (False, True)


def test_what_has_a_persons_own_key_is_gone_on_with_by_that_person_alone(cast: Cast) -> None:
    make_credentials(cast.organization, user=cast.bob)
    pod = ask(cast)
    assert respec(pod, by=actor_of(cast.bob))["resume"] is True
    with pytest.raises(NotAllowedError, match="a key of bob's own"):
        respec(pod, by=actor_of(cast.alice))


def test_a_pod_goes_on_with_no_more_than_it_has(cast: Cast) -> None:
    careful, free = ask(cast), ask(cast, permissions="bypass")
    with pytest.raises(NotAllowedError, match="ask a person"):
        respec(free, by=actor_for_pod(careful), fork=True)
    assert respec(careful, by=actor_for_pod(free), fork=True)["permissions"] == "ask"


def test_an_agent_that_cannot_resume_begins_anew(cast: Cast) -> None:
    pod = ask(cast, agent_type="shell")
    spec = respec(pod, by=actor_of(cast.bob))
    assert (spec["resume"], spec["fork"], spec["conversation"]) == (False, False, "")
    assert spec["session"] != pod.spec["session"]


def test_a_waiting_pod_gets_its_login_from_the_runner_it_comes_to(cast: Cast) -> None:
    pod = ask(cast)
    assert pod.state == PodState.PENDING
    able(cast, lends_login=True)
    assert place_pending() == 1
    assert Command.objects.get().payload["use_login"] is True


def _following(pod: Pod, word: str) -> list[str]:
    argv = pod.spec["argv"]
    at = argv.index(word)
    return argv[at : at + 2]
