"""Each person, a Pod's token and nobody, at each route of the API with each method it takes: as the tables say.

A route or method that the tables do not know fails: whoever adds one says who may use it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.permissions.rules import PEOPLE
from tests.permissions.world import Asker, Person, Verdict, World, undone

STATUSES = {401: Verdict.UNKNOWN, 403: Verdict.REFUSED, 404: Verdict.ABSENT}
NOT_A_METHOD = "PURGE"  # answered with those that a route takes

Case = tuple[str, dict[str, Any]]

TABLE: dict[str, Case] = {
    # ---- oneself
    "GET me/": ("list", {}),
    "GET tokens/": ("list", {}),
    "POST tokens/": ("list", {"name": "t", "scopes": ["pods:read"], "expires_in_days": 1}),
    "POST tokens/<int:token_id>/revoke/": ("its person", {}),
    # ---- people: the one named is the other member
    "GET members/": ("list", {}),
    "PATCH members/<int:member_id>/": ("manage", {"role": "viewer"}),
    "DELETE members/<int:member_id>/": ("manage or oneself", {}),
    "GET invitations/": ("make for all", {}),
    "POST invitations/": ("make for all", {"role": "member"}),
    "DELETE invitations/<int:invitation_id>/": ("manage", {}),
    # ---- Pods
    "GET pods/": ("list", {}),
    "POST pods/": ("make", {"agent_type": "shell"}),
    "GET pods/<slug:key>/": ("read", {}),
    "DELETE pods/<slug:key>/": ("drive", {}),
    "GET pods/<slug:key>/events/": ("read", {}),
    "POST pods/<slug:key>/terminate/": ("drive", {}),
    "POST pods/<slug:key>/execute/": ("drive", {"argv": ["true"]}),
    "POST pods/<slug:key>/input/": ("drive", {"text": "x"}),
    "POST pods/<slug:key>/resize/": ("drive", {"cols": 80, "rows": 24}),
    "GET pods/<slug:key>/screen/": ("read", {}),
    "GET pods/<slug:key>/output/": ("read", {}),
    "GET pods/<slug:key>/input-records/": ("read", {}),
    "POST pods/<slug:key>/archive/": ("drive", {}),
    "POST pods/<slug:key>/unarchive/": ("drive", {}),
    "POST pods/<slug:key>/resume/": ("drive", {}),
    "POST pods/<slug:key>/fork/": ("drive", {}),
    "POST pods/<slug:key>/answer/": ("drive", {"question": "q", "choice": "allow"}),
    "POST pods/<slug:key>/interrupt/": ("drive", {}),
    # ---- prompts
    "GET pods/<slug:key>/prompts/": ("read", {}),
    "POST pods/<slug:key>/prompts/": ("drive", {"text": "go on"}),
    "GET prompts/<int:prompt_id>/": ("read", {}),
    "PATCH prompts/<int:prompt_id>/": ("drive", {"text": "rather this"}),
    "DELETE prompts/<int:prompt_id>/": ("drive", {}),
    "POST prompts/<int:prompt_id>/move/": ("drive", {"position": 0}),
    "POST prompts/<int:prompt_id>/retry/": ("drive", {}),
    # ---- Workspaces and reviews
    "GET pods/<slug:key>/workspace/": ("read", {}),
    "GET pods/<slug:key>/workspace/log/": ("read", {}),
    "GET pods/<slug:key>/workspace/diff/": ("read", {}),
    "POST pods/<slug:key>/workspace/commit/": ("drive", {"message": "m"}),
    "POST pods/<slug:key>/workspace/push/": ("drive", {}),
    "POST pods/<slug:key>/workspace/remove/": ("drive", {}),
    "POST pods/<slug:key>/workspace/restore/": ("drive", {}),
    "POST pods/<slug:key>/workspace/merge-request/": ("drive", {"title": "t"}),
    "GET pods/<slug:key>/review/ticks/": ("read", {}),
    "POST pods/<slug:key>/review/ticks/": ("read", {"path": "a", "blob": "1" * 40}),
    "GET pods/<slug:key>/review/comments/": ("read", {}),
    "POST pods/<slug:key>/review/comments/": ("read", {"path": "a", "line": 1, "text": "why?"}),
    "DELETE pods/<slug:key>/review/comments/<int:comment_id>/": ("its person", {}),
    "POST pods/<slug:key>/review/send/": ("drive", {}),
    # ---- Bindings: the one named asks to watch the member's Pod
    "GET bindings/": ("list", {}),
    "POST bindings/": ("drive", {"target": "<unbound>", "scopes": ["terminal:read"]}),
    "GET bindings/<int:binding_id>/": ("read", {}),
    "POST bindings/<int:binding_id>/accept/": ("drive", {}),
    "POST bindings/<int:binding_id>/reject/": ("drive", {}),
    "POST bindings/<int:binding_id>/release/": ("drive", {}),
    # ---- Runners
    "GET runners/": ("list", {}),
    "POST runners/enrollment-tokens/": ("make for all", {}),
    "GET runners/<int:runner_id>/": ("read", {}),
    "POST runners/<int:runner_id>/drain/": ("manage", {}),
    "POST runners/<int:runner_id>/resume/": ("manage", {}),
    "POST runners/<int:runner_id>/lost/": ("manage", {}),
    "POST runners/<int:runner_id>/revoke/": ("manage", {}),
    "POST runners/<int:runner_id>/update/": ("manage", {}),
    "POST runners/<int:runner_id>/update/cancel/": ("manage", {}),
    "GET runners/<int:runner_id>/updates/": ("read", {}),
    "POST runners/<int:runner_id>/login/": ("manage", {}),
    "GET releases/": ("list", {}),
    "GET rollouts/": ("list", {}),
    "POST rollouts/": ("make for all", {}),
    "GET rollouts/<int:rollout_id>/": ("read", {}),
    "POST rollouts/<int:rollout_id>/stop/": ("manage", {}),
    "GET commands/<uuid:command_id>/": ("read", {}),
    # ---- what is launched, and on what
    "GET agent-types/": ("list", {}),
    "POST agent-types/": ("make for all", {"slug": "n", "name": "n", "argv": ["sh"]}),
    "GET agent-types/<slug:agent_type>/": ("read", {}),
    "PATCH agent-types/<slug:agent_type>/": ("manage", {"enabled": False}),
    "GET credentials/": ("make", {}),
    "POST credentials/": ("make for all", {"name": "n", "provider": "anthropic", "api_key": "k"}),
    "GET credentials/<int:set_id>/": ("change", {}),
    "PATCH credentials/<int:set_id>/": ("manage", {"name": "n"}),
    "DELETE credentials/<int:set_id>/": ("manage", {}),
    "GET repositories/": ("list", {}),
    "POST repositories/": ("make", {"name": "n", "url": "https://example.com/n.git"}),
    "GET repositories/<slug:slug>/": ("read", {}),
    "PATCH repositories/<slug:slug>/": ("manage", {"name": "n"}),
    "DELETE repositories/<slug:slug>/": ("manage", {}),
    # ---- Channels
    "GET channels/": ("list", {}),
    "POST channels/": ("make", {"name": "n"}),
}

# Of Channels: in one that is open to all, and in one that is closed; the member made both and said message 1.
ROOMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "GET channels/<slug:slug>/": ("read", "closed", {}),
    "POST channels/<slug:slug>/archive/": ("drive", "closed", {}),
    "POST channels/<slug:slug>/unarchive/": ("drive", "closed", {}),
    "GET channels/<slug:slug>/members/": ("read", "closed", {}),
    "POST channels/<slug:slug>/members/": ("change", "closed", {}),
    "DELETE channels/<slug:slug>/members/": ("read", "closed", {}),
    "GET channels/<slug:slug>/messages/": ("read", "closed", {}),
    "POST channels/<slug:slug>/messages/": ("change", "closed", {"body": "hello"}),
    "GET channels/<slug:slug>/messages/<int:number>/": ("read", "closed", {}),
    "PATCH channels/<slug:slug>/messages/<int:number>/": (
        "its author",
        "its author, closed",
        {"body": "hello!"},
    ),
    "DELETE channels/<slug:slug>/messages/<int:number>/": ("its author", "its author, closed", {}),
    "POST channels/<slug:slug>/read/": ("read", "closed", {"read": 1}),
    "GET channels/<slug:slug>/document/": ("read", "closed", {}),
    "PUT channels/<slug:slug>/document/": ("change", "closed", {"text": "t", "version": 0}),
}


def _cases() -> Iterator[tuple[str, str, Case]]:
    """What a test is called, the operation with the Channel it is about, and its case."""
    for operation, case in TABLE.items():
        yield operation, operation, case
    for operation, (in_open, in_closed, body) in ROOMS.items():
        for room, need in (("open", in_open), ("closed", in_closed)):
            yield f"{operation} {room}", operation.replace("<slug:slug>", room), (need, body)


CASES = {name: (operation, case) for name, operation, case in _cases()}


@pytest.fixture(autouse=True)
def _no_limits(settings: Any) -> None:
    settings.API_STRANGERS_A_MINUTE = settings.API_WRITES_A_MINUTE = 100_000


def _routes() -> Iterator[str]:
    def below(patterns: list[Any], prefix: str = "") -> Iterator[str]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from below(pattern.url_patterns, path)
            elif isinstance(pattern, URLPattern) and path.startswith("api/v1/"):
                yield path.removeprefix("api/v1/")

    yield from below(get_resolver().url_patterns)


def _addressed(world: World, text: str) -> str:
    for name, value in (*world.names.items(), ("<int:number>", "1")):
        text = text.replace(name, value)
    assert "<" not in text, f"a route names something this test does not know: {text}"
    return text


def _body(world: World, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    if operation == "POST bindings/":
        return {
            "holder": world.target.key,
            "target": world.pods[Asker.UNBOUND].key,
            "scopes": ["terminal:read"],
        }
    return given


def _asked(world: World, operation: str, body: dict[str, Any], secret: str) -> Any:
    method, _, path = operation.partition(" ")
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    with undone():
        return Client(headers=headers, raise_request_exception=False).generic(
            method,
            f"/api/v1/{_addressed(world, path)}",
            json.dumps(body),
            content_type="application/json",
        )


def _verdict(status: int) -> Verdict:
    assert status != 405, "the route does not take this method"
    assert status < 500 or status in {502, 503}, status
    return STATUSES.get(status, Verdict.ALLOWED)


@pytest.mark.django_db
def test_the_tables_know_every_route_and_method(own_world: World) -> None:
    taken = set()
    for route in _routes():
        room = route.replace("<slug:slug>", "open") if route.startswith("channels/") else route
        answer = _asked(own_world, f"{NOT_A_METHOD} {room}", {}, own_world.secrets[Person.OWNER])
        assert answer.status_code == 405, route
        methods = set(answer.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"}
        taken |= {f"{method} {route}" for method in methods}
    assert taken == {*TABLE, *ROOMS}


@pytest.mark.parametrize("name", CASES)
def test_people_may_what_the_table_says(world: World, name: str) -> None:
    operation, (need, given) = CASES[name]
    body = _body(world, operation, given)
    found = {
        who: _verdict(_asked(world, operation, body, world.secrets[who]).status_code)
        for who in Person
    }
    assert found == PEOPLE[need]


@pytest.mark.parametrize("name", CASES)
def test_nobody_and_no_token_of_a_pod_gets_in(world: World, name: str) -> None:
    operation, (_, given) = CASES[name]
    for secret in ("", world.tokens[Asker.ITSELF]):
        answer = _asked(world, operation, _body(world, operation, given), secret)
        assert _verdict(answer.status_code) is Verdict.UNKNOWN
