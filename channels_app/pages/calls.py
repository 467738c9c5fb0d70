"""What calls the person who is signed in, as a notification of their desktop says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.urls import reverse

from channels_app.pages.markdown import plain
from channels_app.services.inbox import Inbox
from pods.models import Pod
from pods.models.pod import PodQuerySet
from pods.pages.looks import PodLook
from pods.services.attention import EMPTY, queues_of

SAID_MAX = 200  # characters; systems cut what is longer, each in its way
AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """`id` is that of this one occurrence: a person is called once for it."""

    id: str
    title: str
    text: str
    url: str


def calls_of(inbox: Inbox, finished: PodQuerySet) -> list[Shown]:
    """The newest of each kind."""
    return [
        *islice(_pods(inbox), AT_ONCE),
        *map(_finished, finished[:AT_ONCE]),
        *islice(_requests(inbox), AT_ONCE),
        *islice(_mentions(inbox), AT_ONCE),
    ]


def _pods(inbox: Inbox) -> Iterator[Shown]:
    pods = [*inbox.waiting, *inbox.broken[:AT_ONCE]]
    queues = queues_of(pods)
    looks = (PodLook(pod, queues.get(pod.pk, EMPTY)) for pod in pods)
    for look in sorted(looks, key=lambda look: look.since, reverse=True):
        url = reverse("pod", args=[look.pod.key])
        if look.call:
            yield Shown(look.call.id, look.headline, look.call.text[:SAID_MAX], url)
        else:
            yield Shown(f"{look.pod.key}:{look.pod.state}", look.headline, look.why[:SAID_MAX], url)


def _finished(pod: Pod) -> Shown:
    at = pod.status_since or pod.state_since
    text = pod.status_text[:SAID_MAX] or "It says that it is done."
    return Shown(
        f"{pod.key}:done-{at.timestamp():.0f}",
        PodLook(pod).headline,
        text,
        reverse("pod", args=[pod.key]),
    )


def _requests(inbox: Inbox) -> Iterator[Shown]:
    for each in inbox.requests.reverse():
        wish = "type into" if each.can_write else "watch"
        title = f"{each.holder} wants to {wish} {each.target}"
        yield Shown(f"binding-{each.pk}", title, each.reason[:SAID_MAX], reverse("inbox"))


def _mentions(inbox: Inbox) -> Iterator[Shown]:
    for each in inbox.mentions.reverse()[:AT_ONCE]:
        message = each.message
        title = f"{message.author_name} in #{message.channel.slug}"
        url = f"{reverse('channel', args=[message.channel.slug])}?at={message.number}#m-{message.number}"
        yield Shown(f"mention-{message.pk}", title, plain(message.body)[:SAID_MAX], url)
