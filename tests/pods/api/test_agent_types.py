"""Agent types over REST: declared, shown with the Runners that have them, changed, turned off."""

from typing import Any

import pytest

from accounts.models import AuditEvent
from pods.models import AgentType
from tests.builders import Cast, built_in, make_agent_type, make_runner
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db

DECLARED = {
    "slug": "mine",
    "name": "Mine",
    "install": {"kind": "npm", "package": "mine", "program": "mine", "tested": ">=1,<2"},
    "launch": {"argv": ["mine"], "permissions": {"ask": {}, "bypass": {"argv": ["-y"]}}},
}
TOML = 'slug = "mine"\nname = "Mine" # ours\n[launch]\nargv = ["mine"]\n'


@pytest.fixture
def alice(cast: Cast) -> Caller:
    return Caller(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Caller:
    return Caller(cast.bob)


@pytest.mark.parametrize("declaration", [DECLARED, TOML], ids=["table", "toml"])
def test_one_is_made_of_a_declaration_and_launched(
    cast: Cast, alice: Caller, bob: Caller, declaration: Any
) -> None:
    made = alice.post("agent-types/", {"declaration": declaration})
    assert made.status_code == 201, made.content
    assert (made.json()["slug"], made.json()["argv"]) == ("mine", ["mine"])
    pod = bob.post("pods/", {"agent_type": "mine"})
    assert pod.status_code == 201, pod.content


def test_what_is_wrong_is_said_key_by_key(alice: Caller) -> None:
    wrong = {**DECLARED, "lunch": {}, "launch": {"argv": "mine"}}
    refused = alice.post("agent-types/", {"declaration": wrong})
    assert (refused.status_code, error(refused)["code"]) == (400, "bad_declaration")
    said = {each["key"]: each["text"] for each in error(refused)["detail"]["problems"]}
    assert said.keys() == {"lunch", "launch.argv"}
    assert "Did you mean launch?" in said["lunch"]
    assert not AgentType.objects.filter(slug="mine").exists()


@pytest.mark.parametrize("declaration", ["", 1, [], True, "slug ="])
def test_what_is_no_declaration_is_refused(alice: Caller, declaration: Any) -> None:
    refused = alice.post("agent-types/", {"declaration": declaration})
    assert refused.status_code == 400


def test_it_is_shown_with_each_runner_and_why_it_is_not_available(
    cast: Cast, alice: Caller, bob: Caller
) -> None:
    alice.post("agent-types/", {"declaration": DECLARED})
    has = {"slug": "mine", "version": "2.5", "path": "/usr/bin/mine", "problem": ""}
    make_runner(cast.organization, name="a", agents=[has])
    make_runner(cast.organization, name="b", agents=[{"slug": "install:npm", "problem": ""}])
    broken = {"slug": "install:npm", "problem": "There is no npm here."}
    make_runner(cast.organization, name="c", agents=[broken])
    shown = bob.get("agent-types/mine/").json()
    on = {each.pop("runner"): each for each in shown["runners"]}
    assert (on["a"]["versions"], on["a"]["installs"], on["a"]["problem"]) == (["2.5"], False, "")
    assert on["a"]["warning"] == "2.5 is not within the tested >=1,<2"
    assert (on["b"]["installs"], on["b"]["problem"]) == (True, "")
    assert on["c"]["problem"] == "does not have Mine: There is no npm here"
    assert (shown["permissions"], shown["built_in"]) == (["ask", "bypass"], False)
    assert shown["declaration"]["launch"]["argv"] == ["mine"]


def test_an_admin_changes_and_turns_off_the_organizations_own(alice: Caller, bob: Caller) -> None:
    alice.post("agent-types/", {"declaration": TOML})
    changed = TOML.replace("Mine", "Yours")
    assert bob.patch("agent-types/mine/", {"declaration": changed}).status_code == 403
    assert alice.patch("agent-types/mine/", {"declaration": changed}).json()["name"] == "Yours"
    assert alice.patch("agent-types/mine/", {"enabled": False}).json()["enabled"] is False
    assert error(bob.post("pods/", {"agent_type": "mine"}))["code"] == "unknown_agent_type"
    assert alice.patch("agent-types/mine/", {"enabled": True}).json()["enabled"] is True
    actions = AuditEvent.objects.filter(target="mine").values_list("action", flat=True)
    assert sorted(set(actions)) == ["agent_type.change", "agent_type.create"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "nothing_to_change"),
        ({"declaration": TOML.replace("mine", "other")}, "bad_declaration"),
        ({"declaration": "slug = 1"}, "bad_declaration"),
    ],
)
def test_a_change_that_cannot_be_leaves_it(
    alice: Caller, change: dict[str, Any], code: str
) -> None:
    alice.post("agent-types/", {"declaration": TOML})
    refused = alice.patch("agent-types/mine/", change)
    assert (refused.status_code, error(refused)["code"]) == (400, code)
    assert AgentType.objects.get(slug="mine").source == TOML


def test_built_in_ones_stay_as_they_are_and_one_of_our_own_takes_their_place(
    alice: Caller, bob: Caller
) -> None:
    built_in("shell")
    refused = alice.patch("agent-types/shell/", {"enabled": False})
    assert (refused.status_code, error(refused)["code"]) == (403, "built_in")
    own = TOML.replace('"mine"', '"shell"')
    assert alice.post("agent-types/", {"declaration": own}).status_code == 201
    assert bob.get("agent-types/shell/").json()["built_in"] is False


def test_another_organizations_of_the_same_slug_does_not_count(cast: Cast, alice: Caller) -> None:
    make_agent_type("theirs", organization=cast.stranger)
    assert alice.get("agent-types/theirs/").status_code == 404
    assert alice.patch("agent-types/theirs/", {"enabled": False}).status_code == 404


def test_a_simple_one_is_a_declaration_too(alice: Caller) -> None:
    body = {"slug": "top", "name": "Top", "argv": ["top"], "detect": "top", "env": {"A": "1"}}
    shown = alice.post("agent-types/", body).json()
    assert (shown["argv"], shown["detect"]) == (["top"], "top")
    assert shown["declaration"]["install"]["program"] == "top"
    assert shown["declaration"]["launch"]["env"] == {"A": "1"}


def test_the_choices_of_a_launch_are_taken_and_shown(cast: Cast, alice: Caller) -> None:
    built_in("claude")
    wish = {
        "agent_type": "claude",
        "permissions": "edit",
        "model": "opus",
        "version": "2.1.300",
        "credentials": "none",
    }
    made = alice.post("pods/", wish)
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in ("permissions", "model", "version")} == {
        "permissions": "edit",
        "model": "opus",
        "version": "2.1.300",
    }
    assert made.json()["credentials"] is None
    assert alice.post("pods/", {**wish, "permissions": "all"}).status_code == 400


def test_an_admin_lends_the_login_of_a_runner(cast: Cast, alice: Caller, bob: Caller) -> None:
    runner = make_runner(cast.organization)
    path = f"runners/{runner.pk}/login/"
    assert bob.post(path, {"lent": True}).status_code == 403
    assert alice.post(path, {"lent": True}).json()["lends_login"] is True
    assert alice.post(path, {"lent": False}).json()["lends_login"] is False
    assert AuditEvent.objects.filter(action="runner.lend_login").exists()
