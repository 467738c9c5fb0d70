"""From a connection to an Actor. The only place where logins and tokens are believed."""

import hashlib
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind, Scope
from accounts.errors import (
    BadTokenError,
    NotAllowedError,
    NotAMemberError,
    NotSignedInError,
    NotVisibleError,
)
from accounts.models import ApiToken, Invitation, Membership, Role, User

ORGANIZATION = "organization"
"""The key in a login's session under which the current Organization's id is kept."""

SYSTEM_NAME = "Mesh"
USE_NOTED_EVERY = timedelta(minutes=1)  # a write for each request would be the busiest of all


def digest(secret: str) -> str:
    """SHA-256 in hex. Secrets are 256 random bits, so a slow hash would protect nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_for_user(user: User, organization_id: int | None = None) -> Actor:
    """The person in that Organization; without one, in the first they joined.

    Raises NotAMemberError.
    """
    mine = Membership.objects.filter(user=user, user__is_active=True).order_by("pk")
    if organization_id is not None:
        mine = mine.filter(organization_id=organization_id)
    membership = mine.first()
    if membership is None:
        raise NotAMemberError("not_a_member", "You are not a member of this organization.")
    return Actor(
        kind=ActorKind.PERSON,
        id=user.pk,
        name=str(user),
        organization_id=membership.organization_id,
        role=membership.role,
        user_id=user.pk,
    )


def actor_for_token(secret: str) -> Actor:
    """Raises BadTokenError, in the same words whatever is wrong with the token."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest(secret), revoked_at=None, expires_at__gt=now(), user__is_active=True)
        .first()
    )
    if token is None:
        raise _bad_token()
    membership = Membership.objects.filter(
        user=token.user, organization_id=token.organization_id
    ).first()
    if membership is None:
        raise _bad_token()
    _note_use(token)
    return Actor(
        kind=ActorKind.TOKEN,
        id=token.pk,
        name=f"{token.user} ({token.name})",
        organization_id=token.organization_id,
        role=membership.role,
        scopes=frozenset(Scope(scope) for scope in token.scopes if scope in set(Scope)),
        user_id=token.user_id,
    )


def actor_for_request(request: HttpRequest) -> Actor:
    """A Bearer token wins and cookies are then ignored; else the login. Raises NotSignedInError."""
    if (secret := bearer(request.headers.get("Authorization", ""))) is not None:
        return actor_for_token(secret)
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        raise NotSignedInError("not_signed_in", "Sign in, or send an API token.")
    return actor_for_user(user, request.session.get(ORGANIZATION))


def require(actor: Actor, *scopes: Scope) -> None:
    """Raises NotAllowedError naming what the token lacks."""
    if not actor.has(*scopes):
        missing = sorted(set(scopes) - actor.scopes)
        raise NotAllowedError(
            "missing_scope", f"This token lacks the scope {', '.join(missing)}.", missing=missing
        )


def members_for(actor: Actor) -> QuerySet[Membership]:
    """Members of their Organization, in the order they joined."""
    mine = Membership.objects.filter(organization_id=actor.organization_id)
    return mine.select_related("user", "organization").order_by("pk")


def member_for(actor: Actor, member_id: int) -> Membership:
    """Who may change or remove them is judged by the services. Raises NotVisibleError."""
    member = members_for(actor).filter(pk=member_id).first()
    if member is None:
        raise NotVisibleError("no_such_member", f"There is no member {member_id}.")
    return member


def invitations_for(actor: Actor) -> QuerySet[Invitation]:
    """Those of their Organization that wait for somebody. Raises NotAllowedError."""
    check_manages_members(actor)
    mine = Invitation.objects.usable().filter(organization_id=actor.organization_id)
    return mine.select_related("invited_by", "organization").order_by("pk")


def invitation_for(actor: Actor, invitation_id: int) -> Invitation:
    invitation = invitations_for(actor).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotVisibleError("no_such_invitation", f"There is no invitation {invitation_id}.")
    return invitation


def check_manages_members(actor: Actor) -> None:
    require(actor, Scope.MEMBERS_MANAGE)
    if not actor.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners manage members.")


def bearer(header: str) -> str | None:
    """The token in an Authorization header; None if the header is of another kind."""
    kind, _, secret = header.partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def operator_actor(user: User | AnonymousUser, organization_id: int) -> Actor:
    """An operator of the installation, who acts in any Organization. Raises NotAllowedError."""
    if not (isinstance(user, User) and user.is_active and user.is_superuser):
        raise NotAllowedError("not_an_operator", "Only operators of this installation may do this.")
    return Actor(
        kind=ActorKind.PERSON,
        id=user.pk,
        name=str(user),
        organization_id=organization_id,
        role=Role.OWNER,
        user_id=user.pk,
    )


def system_actor(organization_id: int) -> Actor:
    """Mesh itself, for what nobody asked for: sweeps, set-up."""
    return Actor(ActorKind.SYSTEM, 0, SYSTEM_NAME, organization_id, role=Role.OWNER)


def _bad_token() -> BadTokenError:
    return BadTokenError("bad_token", "This token is not valid: unknown, expired or revoked.")


def _note_use(token: ApiToken) -> None:
    if token.last_used_at and token.last_used_at > now() - USE_NOTED_EVERY:
        return  # most often; an UPDATE that changes nothing costs each request a millisecond
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now() - USE_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now())
