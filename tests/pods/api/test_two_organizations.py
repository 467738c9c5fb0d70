"""Nothing of one Organization is visible from another: asked at every address the API has."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils.timezone import now

from accounts.invitations import invite
from accounts.models import ApiToken, AuditEvent, Invitation, Membership, Role
from pods.commands import CommandKind
from pods.lifecycle import PodState
from pods.models import (
    AgentType,
    Binding,
    Command,
    CredentialSet,
    KeptScreen,
    Pod,
    Repository,
    Rollout,
    Runner,
)
from pods.services import reviews
from pods.services.commands import queue_command
from pods.services.prompts import queue_prompt
from pods.services.reviews import Remark
from tests.builders import (
    Cast,
    actor_of,
    built_in,
    make_agent_type,
    make_credentials,
    make_pod,
    make_repository,
    make_runner,
    make_token,
    make_workspace,
)
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SECRET = "acme-secret"  # a word that is in every row of ours
LISTS = {
    *("pods/", "bindings/", "runners/", "agent-types/", "credentials/"),
    *("repositories/", "rollouts/", "tokens/", "me/"),
}


def routes() -> Iterator[str]:
    """Every route below /api/v1/, such as `pods/<slug:key>/`."""
    api = next(p for p in get_resolver().url_patterns if str(p.pattern) == "api/")
    v1 = next(p for p in api.url_patterns if str(p.pattern) == "v1/")
    for pattern in v1.url_patterns:
        assert isinstance(pattern, URLPattern)
        yield str(pattern.pattern)


@pytest.fixture
def ours(cast: Cast) -> dict[str, str]:
    """One of everything in alice's Organization; what to put into routes to name it."""
    runner = make_runner(cast.organization, name=SECRET)
    repository = make_repository(cast.organization, slug="ours", name=SECRET, url=f"/{SECRET}")
    make_agent_type("our-agent", organization=cast.organization, name=SECRET)
    credentials = make_credentials(cast.organization, name=SECRET, slug=SECRET)
    pod = make_pod(
        runner=runner,
        owner=cast.alice,
        name=SECRET,
        prompt=SECRET,
        workspace=make_workspace(runner, repository=repository, branch=SECRET),
    )
    KeptScreen.objects.create(pod=pod, screen={"text": SECRET})
    command = queue_command(
        runner=runner, kind=CommandKind.EXECUTE, payload={"argv": [SECRET]}, pod=pod
    )
    binding = Binding.objects.create(
        organization=cast.organization,
        holder=pod,
        target=make_pod(cast.organization, owner=cast.alice, name=SECRET),
        reason=SECRET,
        expires_at=now(),
    )
    prompt = queue_prompt(pod, by=actor_of(cast.alice), text=SECRET)
    rollout = Rollout.objects.create(
        organization=cast.organization, version="9.9", wait_s=1, asked_by=SECRET
    )
    comment = reviews.comment(pod, Remark("a", 1, SECRET), by=actor_of(cast.alice))
    Caller(cast.alice)  # makes a token
    return {
        "<int:rollout_id>": str(rollout.pk),
        "<slug:key>": pod.key,
        "<int:runner_id>": str(runner.pk),
        "<slug:slug>": repository.slug,
        "<uuid:command_id>": str(command.pk),
        "<int:binding_id>": str(binding.pk),
        "<slug:agent_type>": "our-agent",
        "<int:set_id>": str(credentials.pk),
        "<int:prompt_id>": str(prompt.pk),
        "<int:comment_id>": str(comment.pk),
        "<int:token_id>": str(ApiToken.objects.get().pk),
        "<int:member_id>": str(
            Membership.objects.get(user=cast.bob, organization=cast.organization).pk
        ),
        "<int:invitation_id>": str(invite(role=Role.MEMBER, by=actor_of(cast.alice))[0].pk),
    }


def addressed(route: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        route = route.replace(name, value)
    assert "<" not in route, f"a route names something this test does not know: {route}"
    return route


def everything() -> list[Any]:
    """All rows, to see that nothing changed."""
    models = (Pod, Runner, Repository, AgentType, CredentialSet, Binding, Command, AuditEvent)
    models += (Rollout, Membership, Invitation)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("route", [route for route in routes() if "<" in route])
def test_what_is_named_is_not_there_for_strangers(
    cast: Cast, ours: dict[str, str], route: str
) -> None:
    charlie, before = Caller(cast.charlie), everything()
    answered = []
    for method in METHODS:
        answer = charlie.call(method, addressed(route, ours))
        assert answer.status_code in {404, 405}, (method, route, answer.content)
        assert SECRET not in answer.content.decode()
        answered.append(answer.status_code)
    assert 404 in answered
    assert everything() == before


@pytest.mark.parametrize("route", [route for route in routes() if "<" in route])
def test_what_is_named_is_there_for_its_owner(cast: Cast, ours: dict[str, str], route: str) -> None:
    """The other side of the test above: it would fail if the address were wrong."""
    Runner.objects.update(gateway="", detached_at=now())
    alice = Caller(cast.alice)
    statuses = {alice.call(method, addressed(route, ours)).status_code for method in METHODS}
    assert statuses - {404, 405}, route


@pytest.mark.parametrize("route", [route for route in routes() if "<" not in route])
def test_a_list_shows_strangers_nothing_of_ours(
    cast: Cast, ours: dict[str, str], route: str
) -> None:
    answer = Caller(cast.charlie).call("GET", route)
    assert answer.status_code in {200, 405}
    assert SECRET not in answer.content.decode()
    if route in LISTS - {"tokens/", "me/"}:
        assert SECRET in Caller(cast.alice).call("GET", route).content.decode()


def test_strangers_cannot_name_ours_in_what_they_make(cast: Cast, ours: dict[str, str]) -> None:
    charlie = Caller(cast.charlie)
    make_agent_type("shell", organization=cast.stranger)
    built_in("claude")
    for wish in (
        {"agent_type": "our-agent"},
        {"agent_type": "shell", "repository": "ours"},
        {"agent_type": "claude", "credentials": SECRET},
        {"agent_type": "shell", "runner": SECRET},
        {"agent_type": "shell", "runner": ours["<int:runner_id>"]},
    ):
        refused = charlie.post("pods/", wish)
        assert refused.status_code == 400
        assert error(refused)["code"].startswith("unknown_")
    placed = charlie.post("pods/", {"agent_type": "shell"}).json()
    assert placed["runner"] is None
    assert "no Runner yet" in placed["waiting_for"]


def test_strangers_cannot_find_ours_by_filters(cast: Cast, ours: dict[str, str]) -> None:
    charlie = Caller(cast.charlie)
    for query in ("owner=alice", "repository=ours", f"runner={ours['<int:runner_id>']}"):
        assert charlie.get(f"pods/?{query}").json() == {"results": [], "next": None}


@pytest.mark.usefixtures("ours")
def test_a_person_in_both_sees_each_alone(cast: Cast) -> None:
    cast.charlie.memberships.create(organization=cast.organization, role="viewer")
    theirs = make_pod(cast.stranger, state=PodState.RUNNING)
    mine = Pod.objects.exclude(pk=theirs.pk).order_by("-pk").values_list("key", flat=True)
    for organization, keys in ((cast.organization, [*mine]), (cast.stranger, [theirs.key])):
        bearer = f"Bearer {make_token(cast.charlie, organization)}"
        seen = Client(headers={"Authorization": bearer}).get("/api/v1/pods/").json()["results"]
        assert [pod["key"] for pod in seen] == keys
