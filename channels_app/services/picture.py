"""Who works with whom: Pods, Channels, and what is between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils.timezone import now

from accounts.actor import Actor
from channels_app.access import channels_for
from channels_app.models import Channel, Member
from pods.access import pods_for
from pods.bindings import OPEN
from pods.lifecycle import LIVE
from pods.models import Binding, Pod

SHOWN = 150  # Pods and Channels each; more is no picture any more
STAYS_FOR = timedelta(minutes=10)  # an ended Pod fades, it does not vanish under the eye


@dataclass(frozen=True, slots=True)
class Picture:
    """`is_whole`: False where there are more Pods or Channels than are shown."""

    pods: list[Pod]
    channels: Sequence[Channel]
    bindings: list[Binding]
    members: list[Member]
    is_whole: bool


def picture_of(actor: Actor) -> Picture:
    pods = _pods(actor)
    keys = [pod.pk for pod in pods]
    channels = list(channels_for(actor).filter(archived_at=None).order_by("-last_at")[: SHOWN + 1])
    bindings = Binding.objects.filter(state__in=OPEN, holder__in=keys, target__in=keys)
    members = Member.objects.filter(channel__in=[each.pk for each in channels], pod__in=keys)
    return Picture(
        pods=pods[:SHOWN],
        channels=channels[:SHOWN],
        bindings=list(bindings.select_related("holder", "target").order_by("pk")),
        members=list(members.select_related("channel", "pod").order_by("pk")),
        is_whole=len(pods) <= SHOWN and len(channels) <= SHOWN,
    )


def _pods(actor: Actor) -> list[Pod]:
    """The living, those that have just ended, and parents of any of them."""
    seen = pods_for(actor).filter(archived_at=None)
    shown = seen.filter(Q(state__in=LIVE) | Q(ended_at__gt=now() - STAYS_FOR)).order_by("pk")
    found = {pod.pk: pod for pod in shown[: SHOWN + 1]}
    missing = _parents(found.values()) - set(found)
    while missing and len(found) <= SHOWN:
        parents = {pod.pk: pod for pod in seen.filter(pk__in=missing)}
        found |= parents
        missing = _parents(parents.values()) - set(found)
    return sorted(found.values(), key=lambda pod: pod.pk)


def _parents(pods: Iterable[Pod]) -> set[int]:
    return {pod.parent_id for pod in pods if pod.parent_id is not None}
