"""Who is believed, and as what."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils.timezone import now

from accounts.access import (
    ORGANIZATION,
    actor_for_request,
    actor_for_token,
    actor_for_user,
    operator_actor,
)
from accounts.actor import ActorKind, Scope
from accounts.errors import BadTokenError, NotAllowedError, NotAMemberError, NotSignedInError
from accounts.models import ApiToken, Membership
from tests.builders import Cast, make_organization, make_token, make_user

pytestmark = pytest.mark.django_db


def test_a_person_acts_in_the_organization_of_their_login(cast: Cast) -> None:
    second = make_organization()
    Membership.objects.create(organization=second, user=cast.alice, role="viewer")
    assert actor_for_user(cast.alice, cast.organization.pk).role == "owner"
    assert actor_for_user(cast.alice, second.pk).role == "viewer"
    assert actor_for_user(cast.alice).organization_id == cast.organization.pk


def test_a_stranger_does_not_act_in_it(cast: Cast) -> None:
    with pytest.raises(NotAMemberError):
        actor_for_user(cast.charlie, cast.organization.pk)


def test_a_person_who_was_switched_off_acts_nowhere(cast: Cast) -> None:
    cast.alice.is_active = False
    cast.alice.save(update_fields=["is_active"])
    with pytest.raises(NotAMemberError):
        actor_for_user(cast.alice)


def test_a_token_acts_with_its_own_scopes_and_its_persons_role(cast: Cast) -> None:
    actor = actor_for_token(make_token(cast.bob, scopes=[Scope.PODS_READ]))
    assert (actor.kind, actor.role, actor.user_id) == (ActorKind.TOKEN, "member", cast.bob.pk)
    assert actor.scopes == {Scope.PODS_READ}


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": now() - timedelta(seconds=1)},
        {"revoked_at": now()},
    ],
)
def test_a_token_that_has_ended_is_refused(cast: Cast, change: dict[str, object]) -> None:
    secret = make_token(cast.alice)
    actor_for_token(secret)
    ApiToken.objects.update(**change)
    with pytest.raises(BadTokenError):
        actor_for_token(secret)


def test_a_token_ends_when_its_person_leaves(cast: Cast) -> None:
    secret = make_token(cast.bob)
    cast.bob.memberships.all().delete()
    with pytest.raises(BadTokenError):
        actor_for_token(secret)


def test_the_use_of_a_token_is_noted_but_not_with_every_request(cast: Cast) -> None:
    secret = make_token(cast.alice)
    actor_for_token(secret)
    first = ApiToken.objects.get().last_used_at
    actor_for_token(secret)
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


def test_a_bearer_token_wins_over_a_login(cast: Cast) -> None:
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {make_token(cast.bob)}"})
    request.user, request.session = cast.charlie, {ORGANIZATION: cast.stranger.pk}
    assert actor_for_request(request).user_id == cast.bob.pk


def test_a_bad_bearer_token_is_not_made_up_for_by_a_login(cast: Cast) -> None:
    request = RequestFactory().get("/", headers={"Authorization": "Bearer nothing"})
    request.user, request.session = cast.alice, {ORGANIZATION: cast.organization.pk}
    with pytest.raises(BadTokenError):
        actor_for_request(request)


def test_nobody_is_told_to_sign_in() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with pytest.raises(NotSignedInError):
        actor_for_request(request)


def test_an_operator_acts_anywhere_and_others_do_not(cast: Cast) -> None:
    operator = make_user("root", is_superuser=True)
    assert operator_actor(operator, cast.stranger.pk).manages_all
    with pytest.raises(NotAllowedError):
        operator_actor(cast.alice, cast.organization.pk)
