"""Agent types, repositories, tokens and Runners over REST."""

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from accounts.models import ApiToken
from pods.models import AgentType, Repository
from tests.builders import Cast, built_in, make_pod, make_repository, make_runner, make_workspace
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(cast: Cast) -> Caller:
    return Caller(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Caller:
    return Caller(cast.bob)


def test_a_repository_is_made_under_a_slug_of_its_name(bob: Caller) -> None:
    made = bob.post(
        "repositories/", {"name": "My Repo", "url": "/srv/r.git", "default_branch": "main"}
    )
    assert made.status_code == 201
    assert {k: made.json()[k] for k in ("slug", "name", "url", "default_branch")} == {
        "slug": "my-repo",
        "name": "My Repo",
        "url": "/srv/r.git",
        "default_branch": "main",
    }
    assert bob.get("repositories/my-repo/").json() == made.json()
    assert bob.get("repositories/").json()["results"] == [made.json()]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"url": "ext::sh"}, "bad_url"),
        ({"url": "https://token@x.example/a"}, "secret_in_url"),
        ({"name": "!!!"}, "bad_name"),
        ({"default_branch": "-x"}, "bad_default_branch"),
    ],
)
def test_a_repository_that_cannot_be_is_refused(
    bob: Caller, wrong: dict[str, str], code: str
) -> None:
    refused = bob.post("repositories/", {"name": "a", "url": "/a", **wrong})
    assert (refused.status_code, error(refused)["code"]) == (400, code)
    assert not Repository.objects.exists()


def test_a_second_repository_of_the_same_slug_is_a_conflict(bob: Caller) -> None:
    bob.post("repositories/", {"name": "a", "url": "/a"})
    refused = bob.post("repositories/", {"name": "A", "url": "/b"})
    assert (refused.status_code, error(refused)["code"]) == (409, "repository_exists")
    assert Repository.objects.get().url == "/a"


def test_an_admin_removes_a_repository_that_no_pod_uses(
    cast: Cast, alice: Caller, bob: Caller
) -> None:
    repository = make_repository(cast.organization, slug="r")
    runner = make_runner(cast.organization)
    pod = make_pod(runner=runner, workspace=make_workspace(runner, repository=repository))
    assert bob.delete("repositories/r/").status_code == 403
    assert error(alice.delete("repositories/r/"))["code"] == "repository_in_use"
    type(pod).objects.filter(pk=pod.pk).advance("completed")
    assert alice.delete("repositories/r/").status_code == 204
    assert not Repository.objects.exists()


def test_an_admin_makes_agent_types_beside_the_built_in_ones(alice: Caller, bob: Caller) -> None:
    built_in("shell")
    body = {"slug": "aide", "name": "Aide", "argv": ["aide", "--yes"], "detect": "aide"}
    assert bob.post("agent-types/", body).status_code == 403
    assert alice.post("agent-types/", body).status_code == 201
    assert error(alice.post("agent-types/", body))["code"] == "agent_type_exists"
    listed = {each["slug"]: each for each in bob.get("agent-types/").json()["results"]}
    assert listed["aide"]["argv"] == ["aide", "--yes"]
    assert (listed["aide"]["built_in"], listed["shell"]["built_in"]) == (False, True)


def test_a_bad_slug_makes_no_agent_type(alice: Caller) -> None:
    refused = alice.post("agent-types/", {"slug": "a b", "name": "x"})
    assert (refused.status_code, error(refused)["code"]) == (400, "bad_slug")
    assert not AgentType.objects.filter(name="x").exists()


# ---- tokens


def test_a_token_is_made_shown_once_used_and_revoked(cast: Cast, bob: Caller) -> None:
    body = {"name": "ci", "scopes": ["pods:read"], "expires_in_days": 1}
    made = bob.post("tokens/", body)
    assert made.status_code == 201
    token = made.json()
    lives = datetime.fromisoformat(token["expires_at"]) - now()
    assert timedelta(hours=23) < lives <= timedelta(days=1)
    listed = {each["id"]: each for each in bob.get("tokens/").json()["results"]}
    assert "token" not in listed[token["id"]]
    assert listed[token["id"]]["hint"] == token["token"][:10]
    revoked = bob.post(f"tokens/{token['id']}/revoke/")
    assert revoked.json()["revoked_at"] is not None


def test_tokens_are_each_persons_own(cast: Cast, alice: Caller, bob: Caller) -> None:
    bobs = ApiToken.objects.get(user=cast.bob)
    assert [each["id"] for each in alice.get("tokens/").json()["results"]] != [bobs.pk]
    assert alice.post(f"tokens/{bobs.pk}/revoke/").status_code == 404
    bobs.refresh_from_db()
    assert bobs.revoked_at is None


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": []}, {"scopes": ["all"]}, {"expires_in_days": 0}, {"expires_in_days": 367}],
)
def test_a_token_that_cannot_be_is_refused(bob: Caller, wrong: dict[str, object]) -> None:
    count = ApiToken.objects.count()
    refused = bob.post("tokens/", {"name": "t", "scopes": ["pods:read"], **wrong})
    assert refused.status_code == 400, refused.content
    assert ApiToken.objects.count() == count


def test_a_token_cannot_make_a_stronger_one(cast: Cast) -> None:
    narrow = Caller(cast.alice, scopes=["pods:read"])
    refused = narrow.post("tokens/", {"name": "t", "scopes": ["pods:write"]})
    assert (refused.status_code, error(refused)["code"]) == (403, "missing_scope")


def test_me_says_who_asks(bob: Caller) -> None:
    me = bob.get("me/").json()
    assert (me["kind"], me["organization"], me["role"]) == ("token", "acme", "member")


# ---- Runners


def test_a_runner_is_shown_with_its_places_and_health(cast: Cast, bob: Caller) -> None:
    runner = make_runner(cast.organization, name="mac", labels={"os": "mac"}, capacity=4)
    make_pod(runner=runner)
    shown = bob.get(f"runners/{runner.pk}/").json()
    assert (shown["name"], shown["online"], shown["taken"], shown["capacity"]) == (
        "mac",
        True,
        1,
        4,
    )
    assert bob.get("runners/").json()["results"] == [shown]


def test_an_admin_drains_resumes_and_revokes_a_runner(
    cast: Cast, alice: Caller, bob: Caller
) -> None:
    runner = make_runner(cast.organization)
    for verb in ("drain", "resume", "revoke"):
        assert bob.post(f"runners/{runner.pk}/{verb}/").status_code == 403
    assert alice.post(f"runners/{runner.pk}/drain/").json()["draining_since"] is not None
    assert alice.post(f"runners/{runner.pk}/resume/").json()["draining_since"] is None
    assert alice.post(f"runners/{runner.pk}/revoke/").status_code == 200


def test_an_enrollment_token_comes_with_a_line_to_paste(alice: Caller, bob: Caller) -> None:
    assert bob.post("runners/enrollment-tokens/").status_code == 403
    made = alice.post("runners/enrollment-tokens/")
    assert made.status_code == 201
    assert set(made.json()) == {"token", "expires_at", "command"}
    assert made.json()["token"] in made.json()["command"]
