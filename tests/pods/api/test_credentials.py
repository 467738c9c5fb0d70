"""Credential sets over REST: written, never read."""

from typing import Any

import pytest

from pods.lifecycle import PodState
from pods.models import CredentialSet, IdempotentAnswer
from tests.builders import Cast, make_credentials, make_pod
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db

KEY = "sk-test-0123456789-wxyz"
BODY = {"name": "Team", "provider": "openai", "api_key": KEY, "base_url": "https://m.example/v1"}


@pytest.fixture
def alice(cast: Cast) -> Caller:
    return Caller(cast.alice)


@pytest.fixture
def bob(cast: Cast) -> Caller:
    return Caller(cast.bob)


def test_it_is_made_and_shown_without_what_it_holds(alice: Caller, bob: Caller) -> None:
    made = alice.post("credentials/", BODY, key="once")
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["slug"], shown["has"], shown["api_key_hint"], shown["used_by"]) == (
        "team",
        ["api_key", "base_url"],
        "wxyz",
        0,
    )
    assert alice.post("credentials/", BODY, key="once").json() == shown
    assert CredentialSet.objects.count() == 1
    seen = [bob.get("credentials/"), bob.get(f"credentials/{shown['id']}/"), made]
    assert not any(word in answer.content.decode() for answer in seen for word in (KEY, "m.ex"))
    assert KEY not in str(list(IdempotentAnswer.objects.values()))


@pytest.mark.parametrize(
    "wrong", [{"api_key": "two words"}, {"base_url": "x"}, {"provider": "x"}, {"colour": "red"}]
)
def test_what_cannot_be_is_refused_without_being_repeated(
    alice: Caller, wrong: dict[str, Any]
) -> None:
    refused = alice.post("credentials/", {**BODY, **wrong})
    assert refused.status_code == 400
    assert KEY not in refused.content.decode()
    assert "two words" not in refused.content.decode()


def test_a_member_keeps_one_alone_that_the_owner_does_not_see(alice: Caller, bob: Caller) -> None:
    assert bob.post("credentials/", BODY).status_code == 403
    mine = bob.post("credentials/", {**BODY, "personal": True}).json()
    assert mine["personal"] is True
    for answer in (
        alice.get(f"credentials/{mine['id']}/"),
        alice.patch(f"credentials/{mine['id']}/", {"name": "x"}),
        alice.delete(f"credentials/{mine['id']}/"),
    ):
        assert answer.status_code == 404
    assert alice.get("credentials/").json()["results"] == []


def test_members_use_the_organizations_and_do_not_change_it(
    cast: Cast, alice: Caller, bob: Caller
) -> None:
    made = make_credentials(cast.organization)
    assert bob.get(f"credentials/{made.pk}/").status_code == 200
    assert bob.patch(f"credentials/{made.pk}/", {"name": "x"}).status_code == 403
    assert bob.delete(f"credentials/{made.pk}/").status_code == 403
    changed = alice.patch(f"credentials/{made.pk}/", {"name": "New", "api_key": KEY})
    assert (changed.json()["name"], changed.json()["api_key_hint"]) == ("New", "wxyz")


def test_one_in_use_is_deleted_only_when_asked_to_detach(cast: Cast, alice: Caller) -> None:
    made = make_credentials(cast.organization)
    make_pod(cast.organization, credentials=made, state=PodState.RUNNING)
    refused = alice.delete(f"credentials/{made.pk}/")
    assert (refused.status_code, error(refused)["detail"]) == (409, {"used_by": 1})
    assert alice.get(f"credentials/{made.pk}/").json()["used_by"] == 1
    assert alice.delete(f"credentials/{made.pk}/?detach=true").status_code == 204
    assert not CredentialSet.objects.exists()


def test_a_token_that_may_only_read_sees_none(cast: Cast) -> None:
    reader = Caller(cast.alice, scopes=["pods:read"])
    assert error(reader.get("credentials/"))["code"] == "missing_scope"
