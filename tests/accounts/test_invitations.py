"""Becoming a member by a link that works once."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts import services
from accounts.access import (
    actor_for_token,
    actor_for_user,
    invitation_for,
    invitations_for,
)
from accounts.actor import Scope
from accounts.errors import ConflictError, NotAllowedError, NotVisibleError
from accounts.invitations import accept_as_new, accept_invitation, invite, withdraw_invitation
from accounts.models import AuditEvent, Invitation, Membership, Role, User
from tests.builders import Cast, actor_of, make_token, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(cast: Cast) -> str:
    return invite(role=Role.ADMIN, by=actor_of(cast.alice))[1]


def test_who_opens_it_joins_with_the_role_it_was_made_for(cast: Cast, secret: str) -> None:
    assert accept_invitation(secret, make_user("eve")).role == Role.ADMIN
    assert actor_for_user(User.objects.get(username="eve")).organization_id == cast.organization.pk
    made, joined = AuditEvent.objects.order_by("pk")
    assert (made.action, made.actor_name) == ("invitation.make", "alice")
    assert (joined.action, joined.actor_name) == ("member.join", "eve")
    assert joined.detail["invited_by"] == "alice"


def test_it_works_once(secret: str) -> None:
    accept_invitation(secret, make_user("eve"))
    with pytest.raises(NotVisibleError):
        accept_invitation(secret, make_user("mallory"))
    assert not Membership.objects.filter(user__username="mallory").exists()


def test_it_is_good_for_a_day(secret: str) -> None:
    assert Invitation.objects.get().expires_at - now() <= timedelta(hours=24)
    Invitation.objects.update(expires_at=now())
    with pytest.raises(NotVisibleError):
        accept_invitation(secret, make_user())


def test_its_secret_is_kept_as_a_hash_and_is_in_no_record(secret: str) -> None:
    assert secret not in str(Invitation.objects.values().get())
    assert secret not in str(AuditEvent.objects.values())


def test_a_made_up_one_lets_nobody_in() -> None:
    with pytest.raises(NotVisibleError):
        accept_invitation("nothing", make_user())


def test_a_member_does_not_use_it_up(cast: Cast, secret: str) -> None:
    with pytest.raises(ConflictError):
        accept_invitation(secret, cast.bob)
    assert actor_for_user(cast.bob).role == Role.MEMBER
    assert accept_invitation(secret, make_user()).role == Role.ADMIN


def test_one_who_is_new_is_made_with_it_or_not_at_all(secret: str) -> None:
    accept_as_new(secret, username="eve", password="correct horse battery")
    with pytest.raises(NotVisibleError):
        accept_as_new(secret, username="mallory", password="correct horse battery")
    assert set(User.objects.filter(username__in=["eve", "mallory"])) == {
        User.objects.get(username="eve")
    }
    assert User.objects.get(username="eve").check_password("correct horse battery")


def test_a_withdrawn_one_is_void_and_leaves_the_list(cast: Cast, secret: str) -> None:
    by = actor_of(cast.alice)
    withdraw_invitation(invitations_for(by).get(), by=by)
    assert not invitations_for(by).exists()
    with pytest.raises(NotVisibleError):
        accept_invitation(secret, make_user())
    assert AuditEvent.objects.last().action == "invitation.withdraw"


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_what_an_admin_promised_ends_with_their_own_role(cast: Cast, role: Role) -> None:
    eve = make_user("eve", organization=cast.organization, role=Role.OWNER)
    secret = invite(role=role, by=actor_of(eve))[1]
    to = Role.ADMIN if role == Role.OWNER else Role.MEMBER
    services.change_role(Membership.objects.get(user=eve), to, by=actor_of(cast.alice))
    with pytest.raises(NotVisibleError):
        accept_invitation(secret, make_user())
    assert Invitation.objects.get().used_at is None


def test_admins_invite_no_owners_and_withdraw_none_of_theirs(cast: Cast) -> None:
    by = actor_of(make_user("adam", organization=cast.organization, role=Role.ADMIN))
    with pytest.raises(NotAllowedError):
        invite(role=Role.OWNER, by=by)
    theirs = invite(role=Role.OWNER, by=actor_of(cast.alice))[0]
    with pytest.raises(NotAllowedError):
        withdraw_invitation(theirs, by=by)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_others_invite_nobody(cast: Cast, role: Role) -> None:
    by = actor_of(make_user(organization=cast.organization, role=role))
    with pytest.raises(NotAllowedError):
        invite(role=Role.VIEWER, by=by)
    with pytest.raises(NotAllowedError):
        invitations_for(by)


def test_a_token_without_the_scope_manages_no_members(cast: Cast) -> None:
    every = [scope for scope in Scope if scope != Scope.MEMBERS_MANAGE]
    by = actor_for_token(make_token(cast.alice, scopes=every))
    with pytest.raises(NotAllowedError):
        invite(role=Role.MEMBER, by=by)
    with pytest.raises(NotAllowedError):
        services.remove_member(Membership.objects.get(user=cast.alice), by=by)


def test_another_organizations_is_not_there(cast: Cast, secret: str) -> None:
    with pytest.raises(NotVisibleError):
        invitation_for(actor_of(cast.charlie), Invitation.objects.get().pk)
