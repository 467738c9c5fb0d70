"""What a member has not read yet, and who is there."""

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.actor import Actor
from channels_app.access import channels_for, membership_of
from channels_app.models import Channel, Member, Mention
from pods.errors import NotVisibleError


def rooms_of(actor: Actor) -> QuerySet[Channel]:
    """What the Actor may read, each with `unread` (None where it is not a member), latest first."""
    mine = Member.objects.filter(membership_of(actor), channel=OuterRef("pk"))
    read = Subquery(mine.values("read")[:1])
    return channels_for(actor).annotate(unread=F("last_number") - read).order_by("-last_at")


def members_of(channel: Channel) -> QuerySet[Member]:
    return channel.members.select_related("user", "pod").order_by("joined_at")


def member_named(channel: Channel, *, pod: str, user: str) -> Member:
    """By a Pod's key or a user name. Raises NotVisibleError."""
    named = Q(pod__key=pod) if pod else Q(user__username=user)
    member = members_of(channel).filter(named).first()
    if member is None:
        raise NotVisibleError("no_such_member", f"{pod or user} is not in #{channel.slug}.")
    return member


def unread_mentions(user_id: int, organization_id: int) -> QuerySet[Mention]:
    """Where a person was called and has not read on since, oldest first."""
    read = Member.objects.filter(channel=OuterRef("message__channel"), user_id=user_id).values(
        "read"
    )
    return (
        Mention.objects.filter(
            user_id=user_id,
            message__channel__organization_id=organization_id,
            message__deleted_at=None,
        )
        .filter(message__number__gt=Coalesce(Subquery(read[:1]), 0))
        .select_related("message__channel")
        .order_by("pk")
    )
