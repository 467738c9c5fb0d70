"""The only way to a Channel for an Actor."""

from enum import StrEnum

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access import require
from accounts.actor import Actor, ActorKind, Scope
from channels_app.models import Channel, Member
from pods.errors import NotAllowedError, NotVisibleError


class Need(StrEnum):
    READ = "read"
    POST = "post"
    MANAGE = "manage"  # archive, rename, remove members


def membership_of(actor: Actor) -> Q:
    """Selects the Actor's own Member rows. A token is its person."""
    if actor.kind is ActorKind.POD:
        return Q(pod_id=actor.pod_id)
    return Q(user_id=actor.user_id, pod=None)


def channels_for(actor: Actor) -> QuerySet[Channel]:
    """What this Actor may read: the public ones, those it is in, and all for owners and admins."""
    if not actor.has(Scope.CHANNELS_READ):
        return Channel.objects.none()
    rooms = Channel.objects.filter(organization_id=actor.organization_id)
    if actor.manages_all:
        return rooms
    mine = Member.objects.filter(membership_of(actor), channel=OuterRef("pk"))
    return rooms.filter(Q(is_private=False) | Exists(mine))


def channel_for(actor: Actor, slug: str, need: Need) -> Channel:
    """Raises NotVisibleError, or NotAllowedError for what may be seen but not done."""
    channel = channels_for(actor).filter(slug=slug).first()
    if channel is None:
        raise NotVisibleError("not_found", f"There is no Channel #{slug}.")
    if need is Need.POST and not _may_post(actor):
        raise NotAllowedError("not_allowed", f"You may read #{slug} but not post in it.")
    if need is Need.MANAGE and not _may_manage(actor, channel):
        raise NotAllowedError("not_allowed", f"Only who made #{slug}, or an admin, may do this.")
    return channel


def may(actor: Actor, channel: Channel, need: Need) -> bool:
    """Of a Channel it may read. An archived one is only read and taken back."""
    if need is Need.POST:
        return channel.archived_at is None and _may_post(actor)
    return need is Need.READ or _may_manage(actor, channel)


def may_create(actor: Actor) -> bool:
    return _may_post(actor)


def check_may_create(actor: Actor) -> None:
    """Raises NotAllowedError."""
    require(actor, Scope.CHANNELS_WRITE)
    if not _may_post(actor):
        raise NotAllowedError("read_only", "Viewers cannot do this: ask an admin for another role.")


def _may_post(actor: Actor) -> bool:
    return actor.has(Scope.CHANNELS_WRITE) and (actor.kind is ActorKind.POD or actor.may_write)


def _may_manage(actor: Actor, channel: Channel) -> bool:
    if not _may_post(actor):
        return False
    if actor.kind is ActorKind.POD:
        return channel.created_by_pod_id == actor.pod_id
    return actor.manages_all or channel.created_by_user_id == actor.user_id
