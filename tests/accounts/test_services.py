"""Organizations, members, tokens and login links."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts import services
from accounts.access import actor_for_token, actor_for_user
from accounts.actor import Actor, Scope
from accounts.errors import BadTokenError, ConflictError, NotAllowedError, RefusedError
from accounts.models import ApiToken, AuditEvent, LoginLink, Membership, Role, User
from tests.builders import Cast, actor_of, make_token, make_user

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def issue(cast: Cast, user: User, scopes: list[Scope], **options: object) -> tuple[ApiToken, str]:
    wanted = {"name": "t", "expires_in": DAY, "scopes": scopes, **options}
    return services.issue_api_token(organization=cast.organization, user=user, **wanted)


def audited() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_who_makes_an_organization_owns_it() -> None:
    user = make_user("dora")
    organization = services.create_organization(name="Dora's works", owner=user)
    assert organization.slug == "doras-works"
    assert actor_for_user(user).role == "owner"
    assert audited() == ["organization.create"]


def test_a_second_organization_of_the_same_slug_is_refused(cast: Cast) -> None:
    with pytest.raises(ConflictError):
        services.create_organization(name="Acme", owner=cast.charlie)


def test_a_token_is_shown_once_and_kept_as_a_hash(cast: Cast) -> None:
    token, secret = issue(cast, cast.alice, [Scope.PODS_READ])
    assert secret.startswith("mesh_")
    assert secret not in str(ApiToken.objects.values().get())
    assert actor_for_token(secret).id == token.pk
    assert AuditEvent.objects.get().detail == {"token": token.pk, "scopes": ["pods:read"]}


def test_a_token_cannot_make_one_that_may_more(cast: Cast) -> None:
    by = actor_for_token(make_token(cast.alice, scopes=[Scope.PODS_READ]))
    with pytest.raises(NotAllowedError):
        issue(cast, cast.alice, [Scope.PODS_READ, Scope.PODS_WRITE], by=by)


@pytest.mark.parametrize("life", [timedelta(0), -DAY, timedelta(days=400)])
def test_a_token_lives_between_now_and_a_year(cast: Cast, life: timedelta) -> None:
    with pytest.raises(RefusedError):
        issue(cast, cast.alice, [Scope.PODS_READ], expires_in=life)


def test_a_revoked_token_stays_revoked_with_its_first_date(cast: Cast) -> None:
    token, secret = issue(cast, cast.alice, [Scope.PODS_READ])
    by = actor_of(cast.alice)
    services.revoke_api_token(token, by=by)
    first = ApiToken.objects.get().revoked_at
    services.revoke_api_token(token, by=by)
    assert ApiToken.objects.get().revoked_at == first
    assert audited().count("token.revoke") == 1
    with pytest.raises(BadTokenError):
        actor_for_token(secret)


def test_a_login_link_signs_in_once(cast: Cast) -> None:
    secret = services.make_login_link(cast.alice)
    assert secret not in str(LoginLink.objects.values().get())
    assert services.use_login_link(secret) == cast.alice
    assert services.use_login_link(secret) is None


def test_a_login_link_is_good_for_half_an_hour(cast: Cast) -> None:
    secret = services.make_login_link(cast.alice)
    assert LoginLink.objects.get().expires_at - now() <= timedelta(minutes=30)
    LoginLink.objects.update(expires_at=now())
    assert services.use_login_link(secret) is None


def test_a_made_up_login_link_signs_nobody_in() -> None:
    assert services.use_login_link("nothing") is None


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def test_an_admin_manages_members_but_not_owners(cast: Cast) -> None:
    eve = make_user("eve", organization=cast.organization, role=Role.ADMIN)
    services.change_role(membership_of(cast.bob), Role.VIEWER, by=actor_of(eve))
    assert actor_for_user(cast.bob).role == "viewer"
    with pytest.raises(NotAllowedError):
        services.change_role(membership_of(eve), Role.OWNER, by=actor_of(eve))
    with pytest.raises(NotAllowedError):
        services.change_role(membership_of(cast.alice), Role.VIEWER, by=actor_of(eve))


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_others_do_not_manage_members(cast: Cast, who: str) -> None:
    by: Actor = actor_of(getattr(cast, who))
    with pytest.raises(NotAllowedError):
        services.change_role(membership_of(cast.bob), Role.ADMIN, by=by)


def test_the_last_owner_stays(cast: Cast) -> None:
    by = actor_of(cast.alice)
    with pytest.raises(ConflictError):
        services.remove_member(membership_of(cast.alice), by=by)
    with pytest.raises(ConflictError):
        services.change_role(membership_of(cast.alice), Role.ADMIN, by=by)
    assert actor_for_user(cast.alice).role == "owner"


def test_who_is_removed_loses_their_tokens_here(cast: Cast) -> None:
    secret = make_token(cast.bob)
    services.remove_member(membership_of(cast.bob), by=actor_of(cast.alice))
    assert ApiToken.objects.get().revoked_at is not None
    with pytest.raises(BadTokenError):
        actor_for_token(secret)


def test_a_member_is_added_once(cast: Cast) -> None:
    eve, by = make_user("eve"), actor_of(cast.alice)
    services.add_member(organization=cast.organization, user=eve, role=Role.MEMBER, by=by)
    with pytest.raises(ConflictError):
        services.add_member(organization=cast.organization, user=eve, role=Role.VIEWER, by=by)
    assert actor_for_user(eve).role == "member"
