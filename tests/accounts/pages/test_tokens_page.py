"""API tokens: made, shown once, revoked."""

import pytest
from django.urls import reverse

from accounts.access import actor_for_token, digest
from accounts.models import ApiToken
from tests import builders

URL = "/tokens/"


@pytest.fixture
def alice(cast, client):
    client.force_login(cast.alice)
    return client


def make(client, **given):
    return client.post(URL, {"name": "script", "days": 30, "scopes": ["pods:read"], **given})


def test_a_token_is_shown_once_and_does_what_was_chosen(alice):
    secret = make(alice).context["secret"]
    assert secret.startswith("mesh_")
    assert actor_for_token(secret).scopes == {"pods:read"}
    assert secret.encode() not in alice.get(URL).content
    assert ApiToken.objects.get().digest == digest(secret)


def test_the_page_with_a_secret_is_kept_by_nobody(alice):
    assert "no-store" in make(alice)["Cache-Control"]


@pytest.mark.parametrize(
    ("given", "field"),
    [({"name": ""}, "name"), ({"scopes": []}, "scopes"), ({"days": 4000}, "days")],
)
def test_what_is_missing_is_said_beside_its_field(alice, given, field):
    answer = make(alice, **given)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not ApiToken.objects.exists()


def test_ones_own_token_can_be_revoked_and_is_gone_from_the_list(alice):
    make(alice)
    token = ApiToken.objects.get()
    alice.post(reverse("revoke-token", args=[token.pk]))
    token.refresh_from_db()
    assert token.revoked_at
    assert list(alice.get(URL).context["tokens"]) == []


def test_another_persons_token_is_not_there(alice, cast):
    builders.make_token(cast.bob)
    token = ApiToken.objects.get()
    assert list(alice.get(URL).context["tokens"]) == []
    assert alice.post(reverse("revoke-token", args=[token.pk])).status_code == 404
