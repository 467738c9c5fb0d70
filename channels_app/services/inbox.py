"""What waits for a person, each with since when."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from accounts.actor import Actor
from channels_app.access import channels_for
from channels_app.models import Member, Mention
from pods.access import pods_for
from pods.bindings import BindingState
from pods.lifecycle import PodState
from pods.models import Binding
from pods.models.pod import PodQuerySet
from pods.services.attention import needing_person

FAILED_SHOWN_FOR = timedelta(days=3)
BROKEN = (PodState.FAILED, PodState.LOST)


@dataclass(frozen=True, slots=True)
class Inbox:
    """Pods and requests are those this person answers for: their own; an admin's also nobody's."""

    waiting: PodQuerySet
    requests: QuerySet[Binding]
    mentions: QuerySet[Mention]
    broken: PodQuerySet

    def count(self) -> int:
        return sum(found.count() for found in (self.waiting, *self._others()))

    def _others(self) -> tuple[QuerySet[Binding], QuerySet[Mention], PodQuerySet]:
        return self.requests, self.mentions, self.broken


def inbox_of(actor: Actor, *, put_away: frozenset[str] = frozenset()) -> Inbox:
    """`put_away`: keys of broken Pods this person has seen and wants to see no more."""
    mine = _answered_for(actor, pods_for(actor))
    recent = now() - FAILED_SHOWN_FOR
    return Inbox(
        waiting=needing_person(mine.live()),
        requests=_requests(mine),
        mentions=_unread_mentions(actor),
        broken=mine.filter(state__in=BROKEN, state_since__gt=recent, archived_at=None)
        .exclude(key__in=put_away)
        .order_by("-state_since"),
    )


def finished_for(actor: Actor) -> PodQuerySet:
    """This person's Pods whose agents say that they are done; the newest first."""
    mine = _answered_for(actor, pods_for(actor))
    return mine.live().filter(status="done").order_by("-status_since")


def _answered_for(actor: Actor, pods: PodQuerySet) -> PodQuerySet:
    nobodys = Q(owner=None) if actor.manages_all else Q(pk__in=())
    return pods.filter(Q(owner_id=actor.user_id) | nobodys)


def _requests(mine: PodQuerySet) -> QuerySet[Binding]:
    asked = Binding.objects.filter(
        state=BindingState.REQUESTED, expires_at__gt=now(), target__in=mine.values("pk")
    )
    return asked.select_related("holder", "target").order_by("created_at")


def _unread_mentions(actor: Actor) -> QuerySet[Mention]:
    """Where this person was called and has not read on since."""
    theirs = Member.objects.filter(channel=OuterRef("message__channel"), user=actor.user_id)
    called = Mention.objects.filter(
        user=actor.user_id,
        message__channel__in=channels_for(actor).values("pk"),
        message__deleted_at=None,
    )
    read = Coalesce(Subquery(theirs.values("read")[:1]), 0)
    return (
        called.filter(message__number__gt=read)
        .select_related("message__channel", "message__author_pod")
        .order_by("pk")
    )
