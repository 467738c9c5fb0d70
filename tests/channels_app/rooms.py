"""Channels for tests, and what is said in them."""

from typing import Any

from accounts.actor import Actor
from channels_app.access import Need, channel_for
from channels_app.models import Channel, Member, Mention
from channels_app.services import channels
from pods.access import actor_for_pod
from pods.models import Pod
from tests.builders import Cast, actor_of, make_pod


def make_channel(cast: Cast, name: str = "plans", **fields: Any) -> Channel:
    """Made by bob, who is its only member."""
    return channels.create_channel(by=actor_of(cast.bob), name=name, **fields)


def pod_in(channel: Channel, cast: Cast, **fields: Any) -> tuple[Pod, Actor]:
    pod = make_pod(cast.organization, owner=cast.bob, **fields)
    actor = actor_for_pod(pod)
    channels.join(channel, by=actor)
    return pod, actor


def fresh(channel: Channel, actor: Actor) -> Channel:
    """As the Actor finds it."""
    return channel_for(actor, channel.slug, Need.READ)


def cursors(channel: Channel, **who: Any) -> tuple[int, int]:
    return Member.objects.values_list("delivered", "read").get(channel=channel, **who)


def receipts(channel: Channel) -> list[str]:
    mentions = Mention.objects.filter(message__channel=channel).order_by("pk")
    return list(mentions.values_list("receipt", flat=True))
