"""Organizations, their members, API tokens and login links: verbs with consequences."""

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils.text import slugify
from django.utils.timezone import now

from accounts.access import actor_for_user, check_manages_members, digest, require
from accounts.actor import Actor, Scope
from accounts.audit import record
from accounts.errors import ConflictError, NotAllowedError, RefusedError
from accounts.models import ApiToken, LoginLink, Membership, Organization, Role, User

LOGIN_LINK_LIFE = timedelta(minutes=30)
TOKEN_LIFE_MAX = timedelta(days=366)


def create_organization(*, name: str, owner: User, slug: str | None = None) -> Organization:
    """`owner` becomes its owner. Raises ConflictError if another has the slug."""
    slug = slug or slugify(name)[:50] or "organization"
    with transaction.atomic():
        if Organization.objects.filter(slug=slug).exists():
            raise ConflictError(
                "organization_exists", f"There already is an organization “{slug}”."
            )
        organization = Organization.objects.create(name=name, slug=slug)
        Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
        record(actor_for_user(owner, organization.pk), "organization.create", slug)
    return organization


def add_member(*, organization: Organization, user: User, role: Role, by: Actor) -> Membership:
    """Raises ConflictError for somebody who is a member already."""
    check_may_give(by, organization, role)
    with transaction.atomic():
        membership, made = Membership.objects.get_or_create(
            organization=organization, user=user, defaults={"role": role}
        )
        if not made:
            raise ConflictError("already_a_member", f"{user} already is a member.")
        record(by, "member.add", user.username, role=role)
    return membership


def change_role(membership: Membership, role: Role, *, by: Actor) -> None:
    """Raises ConflictError rather than leave an Organization without an owner."""
    check_may_give(by, membership.organization, role)
    check_may_give(by, membership.organization, Role(membership.role))
    with transaction.atomic():
        _lock(membership.organization)
        Membership.objects.filter(pk=membership.pk).update(role=role)
        _check_has_owner(membership.organization)
        record(by, "member.role", membership.user.username, role=role)
    membership.role = role


def remove_member(membership: Membership, *, by: Actor) -> None:
    """Their tokens end with it. Everybody may leave. Raises ConflictError for the last owner."""
    require(by, Scope.MEMBERS_MANAGE)
    if membership.user_id != by.user_id:
        check_may_give(by, membership.organization, Role(membership.role))
    organization, user = membership.organization, membership.user
    with transaction.atomic():
        _lock(organization)
        Membership.objects.filter(pk=membership.pk).delete()
        _check_has_owner(organization)
        ApiToken.objects.filter(organization=organization, user=user, revoked_at=None).update(
            revoked_at=now()
        )
        record(by, "member.remove", user.username)


def issue_api_token(
    *,
    organization: Organization,
    user: User,
    name: str,
    scopes: Iterable[Scope],
    expires_in: timedelta,
    by: Actor | None = None,
) -> tuple[ApiToken, str]:
    """The token and its secret, which is shown once and not kept. `by`: the person themselves.

    Nobody gives a token more scopes than they have.
    """
    by = by or actor_for_user(user, organization.pk)
    wanted = frozenset(scopes)
    if not wanted <= by.scopes:
        raise NotAllowedError(
            "missing_scope",
            "A token cannot give scopes it does not have.",
            scopes=sorted(by.scopes),
        )
    if not wanted or not timedelta(0) < expires_in <= TOKEN_LIFE_MAX:
        raise RefusedError(
            "bad_token_request", "Give at least one scope and at most a year of life."
        )
    secret = f"mesh_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            organization=organization,
            user=user,
            name=name,
            hint=secret[:10],
            digest=digest(secret),
            scopes=sorted(wanted),
            expires_at=now() + expires_in,
        )
        record(by, "token.issue", name, token=token.pk, scopes=sorted(wanted))
    return token, secret


def revoke_api_token(token: ApiToken, *, by: Actor) -> None:
    """One that is revoked stays so, with its first date."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now()):
            record(by, "token.revoke", token.name, token=token.pk)


def make_login_link(user: User) -> str:
    """The secret of a link that signs this person in, once, within 30 minutes."""
    secret = secrets.token_urlsafe(32)
    LoginLink.objects.create(user=user, digest=digest(secret), expires_at=now() + LOGIN_LINK_LIFE)
    return secret


def use_login_link(secret: str) -> User | None:
    """The person it signs in; None if it is unknown, used or too old. Of two uses at once one wins."""
    link = LoginLink.objects.select_related("user").filter(digest=digest(secret)).first()
    if link is None or not link.user.is_active:
        return None
    with transaction.atomic():
        usable = LoginLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now())
        if not usable.update(used_at=now()):
            return None
        membership = link.user.memberships.order_by("pk").first()
        if membership:
            by = actor_for_user(link.user, membership.organization_id)
            record(by, "login.link", link.user.username)
    return link.user


def check_may_give(by: Actor, organization: Organization, role: Role) -> None:
    """Admins manage members; only owners make, change or remove owners."""
    check_manages_members(by)
    if by.organization_id != organization.pk:
        raise NotAllowedError("not_an_admin", "Only admins and owners manage members.")
    if role == Role.OWNER and by.role != Role.OWNER:
        raise NotAllowedError("not_an_owner", "Only owners manage owners.")


def _lock(organization: Organization) -> None:
    """Two owners who remove each other at once take turns."""
    Organization.objects.filter(pk=organization.pk).update(slug=F("slug"))


def _check_has_owner(organization: Organization) -> None:
    if not organization.memberships.filter(role=Role.OWNER).exists():
        raise ConflictError("last_owner", "An organization needs an owner: name another one first.")
