"""How people become members: by a link that an owner or admin gives them, and that works once."""

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts.access import actor_for_user, digest
from accounts.actor import Actor
from accounts.audit import record
from accounts.errors import ConflictError, NotAllowedError, NotVisibleError
from accounts.models import Invitation, Membership, Organization, Role, User
from accounts.services import check_may_give

INVITATION_LIFE = timedelta(hours=24)


def invite(*, role: Role, by: Actor) -> tuple[Invitation, str]:
    """The invitation and the secret of its link, which is shown once and not kept."""
    organization = Organization.objects.get(pk=by.organization_id)
    check_may_give(by, organization, role)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            organization=organization,
            role=role,
            digest=digest(secret),
            invited_by=User.objects.get(pk=by.user_id or 0),
            expires_at=now() + INVITATION_LIFE,
        )
        record(by, "invitation.make", organization.slug, invitation=invitation.pk, role=role)
    return invitation, secret


def withdraw_invitation(invitation: Invitation, *, by: Actor) -> None:
    """One that was used or withdrawn meanwhile stays as it is."""
    check_may_give(by, invitation.organization, Role(invitation.role))
    with transaction.atomic():
        if Invitation.objects.usable().filter(pk=invitation.pk).update(withdrawn_at=now()):
            record(
                by, "invitation.withdraw", invitation.organization.slug, invitation=invitation.pk
            )


def invitation_behind(secret: str) -> Invitation:
    """Raises NotVisibleError, in the same words whatever is wrong with the link."""
    usable = Invitation.objects.usable().select_related("organization", "invited_by")
    invitation = usable.filter(digest=digest(secret)).first()
    if invitation is None or not _is_meant(invitation):
        raise _void()
    return invitation


def accept_invitation(secret: str, user: User) -> Membership:
    """Of two uses at once one wins. Raises NotVisibleError; ConflictError for a member, whose link stays good."""
    invitation = invitation_behind(secret)
    organization, role = invitation.organization, invitation.role
    with transaction.atomic():
        if not Invitation.objects.usable().filter(pk=invitation.pk).update(used_at=now()):
            raise _void()
        membership, made = Membership.objects.get_or_create(
            organization=organization, user=user, defaults={"role": role}
        )
        if not made:
            raise ConflictError("already_a_member", f"You are a member of {organization} already.")
        record(
            actor_for_user(user, organization.pk),
            "member.join",
            user.username,
            role=role,
            invitation=invitation.pk,
            invited_by=invitation.invited_by.username,
        )
    return membership


def accept_as_new(secret: str, *, username: str, password: str) -> User:
    """Makes the person, too; neither without the other."""
    with transaction.atomic():
        user = User.objects.create_user(username, password=password)
        accept_invitation(secret, user)
    return user


def _is_meant(invitation: Invitation) -> bool:
    """Who gave it may still give it: with their role, what they promised ends."""
    try:
        by = actor_for_user(invitation.invited_by, invitation.organization_id)
        check_may_give(by, invitation.organization, Role(invitation.role))
    except NotAllowedError:
        return False
    return True


def _void() -> NotVisibleError:
    return NotVisibleError(
        "no_such_invitation",
        "This invitation is not valid: used, withdrawn, or older than a day. Ask for another one.",
    )
