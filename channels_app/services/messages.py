"""What is said: post, edit, delete, read. A message's number is the truth of its order."""

import threading
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind
from accounts.models import User
from channels_app import rules
from channels_app.access import membership_of
from channels_app.models import Channel, Member, Mention, Message
from channels_app.services.channels import join
from channels_app.services.delivery import deliver, withdraw
from channels_app.services.numbers import next_number, tell
from channels_app.services.shown import message_shape
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RefusedError
from pods.lifecycle import ENDED
from pods.models import Pod
from pods.news import Content

PAGE = 100
_in_turn = threading.Lock()  # all who wait write at once, and SQLite has who finds it locked sleep
_SHOWN = (  # each column more is paid for by every reader of every message
    *("channel", "number", "is_notice", "body", "created_at", "edited_at", "deleted_at"),
    *("author_name", "author_user__username", "author_pod__key"),
    *("reply_to__number", "reply_to__author_name"),
)
_SHOWN_OF_MENTIONS = (
    *("message", "receipt", "typed_at"),
    *("user__username", "pod__key", "pod__name"),
)


def post(
    channel: Channel,
    *,
    by: Actor,
    body: str,
    reply_to: int | None = None,
    mentions: Iterable[str] = (),
) -> Message:
    """Raises RefusedError for an empty or long body, ConflictError in an archived Channel.

    `reply_to` is a message's number in this Channel; `mentions` are names besides those in the body.
    """
    text = _checked(body)
    with transaction.atomic():
        number = next_number(channel)
        message = Message.objects.create(
            channel=channel,
            number=number,
            author_user_id=None if by.kind is ActorKind.POD else by.user_id,
            author_pod_id=by.pod_id,
            author_name=by.name,
            body=text,
            reply_to=_replied(channel, reply_to),
        )
        calls_pods = _mention(message, [*mentions, *rules.mentioned(text)])
        _take_part(channel, by, number)
        tell(channel, number, _content(message))
        if calls_pods:
            deliver(message)
    return message


def edit(message: Message, *, by: Actor, body: str) -> None:
    """By its author alone. Who was mentioned stays as it was: nobody is called twice."""
    _own(message, by)
    Message.objects.filter(pk=message.pk, deleted_at=None).update(
        body=_checked(body), edited_at=now()
    )
    tell(message.channel, message.number)


def delete(message: Message, *, by: Actor) -> None:
    """Its number stays, its text goes; a mention its Runner was not sent yet is not typed any more."""
    _own(message, by)
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(body="", deleted_at=now())
        withdraw(message)
        tell(message.channel, message.number)


def after(channel: Channel, number: int, limit: int = PAGE) -> list[Message]:
    """The messages above `number`, in order."""
    return list(_shown(channel).filter(number__gt=number).order_by("number")[:limit])


def before(channel: Channel, number: int, limit: int = PAGE) -> list[Message]:
    """The last messages below `number`, in order."""
    return list(reversed(_shown(channel).filter(number__lt=number).order_by("-number")[:limit]))


def search(channel: Channel, words: str, limit: int = PAGE) -> list[Message]:
    """Messages with all of these words, newest first."""
    wanted = Q()
    for word in rules.cleaned(words).split()[:10]:
        wanted &= Q(body__icontains=word)
    return list(_shown(channel).filter(wanted, deleted_at=None).order_by("-number")[:limit])


def unread_from(channel: Channel, *, by: Actor) -> int:
    """The last number this member has read; for others the start."""
    mine = Member.objects.filter(membership_of(by), channel=channel)
    return mine.values_list("read", flat=True).first() or 0


def memberships(by: Actor, slugs: Sequence[str] = ()) -> list[Member]:
    """The Actor's, each with its Channel as far as a waiting agent needs it; only in these Channels, if any."""
    mine = Member.objects.filter(membership_of(by))
    if slugs:
        mine = mine.filter(channel__slug__in=slugs)
    needed = ("read", "channel__slug", "channel__last_number")
    return list(mine.select_related("channel").only(*needed).order_by("pk"))


def unread_of_others(member: Member, *, by: Actor, limit: int = PAGE) -> list[Message]:
    """What this member has not read, in order, if anything of it was said by somebody else.

    Its own messages among it are told as well: a number is left out for nobody. `member` is one of `memberships`.
    """
    if member.read >= member.channel.last_number:
        return []
    found = after(member.channel, member.read, limit)
    while len(found) == limit and all(_is_by(each, by) for each in found):
        found = after(member.channel, found[-1].number, limit)
    return found if any(not _is_by(each, by) for each in found) else []


def mark(channel: Channel, *, by: Actor, delivered: int = 0, read: int = 0) -> None:
    """Move this member's cursors forward, never back and never beyond the last message."""
    last = Channel.objects.values_list("last_number", flat=True).get(pk=channel.pk)
    given, seen = min(max(delivered, read), last), min(read, last)
    behind = Q(delivered__lt=given) | Q(read__lt=seen)
    Member.objects.filter(membership_of(by), behind, channel=channel).update(
        delivered=Greatest("delivered", Value(given)), read=Greatest("read", Value(seen))
    )


def take_next(channel_id: int, number: int, *, by: Actor) -> bool:
    """Whether this number is the very next for this member; then it has got it, in one step."""
    mine = Member.objects.filter(membership_of(by), channel_id=channel_id, read=number - 1)
    with _in_turn:
        return bool(mine.update(delivered=Greatest("delivered", Value(number)), read=number))


def told(channel: Channel, *, by: Actor, number: int) -> None:
    """This member has got all up to `number`, which is there: as `mark`, in one step."""
    behind = Q(delivered__lt=number) | Q(read__lt=number)
    Member.objects.filter(membership_of(by), behind, channel=channel).update(
        delivered=Greatest("delivered", Value(number)), read=Greatest("read", Value(number))
    )


def message_for(channel: Channel, number: int) -> Message:
    message = _shown(channel).filter(number=number).first()
    if message is None:
        raise NotVisibleError("not_found", f"There is no message {number} in #{channel.slug}.")
    return message


def _shown(channel: Channel) -> QuerySet[Message]:
    """With all that is shown of a message, and no more: this is asked for each reader of each message."""
    called = Mention.objects.select_related("user", "pod").only(*_SHOWN_OF_MENTIONS)
    found = channel.messages.select_related("reply_to", "author_pod", "author_user")
    return found.only(*_SHOWN).prefetch_related(Prefetch("mentions", called))


def _content(message: Message) -> Content | None:
    """With which a waiting member can be told at once. None if it calls somebody: that changes with its receipts."""
    if message.author_pod_id:
        message.author_pod = Pod.objects.only("key").get(pk=message.author_pod_id)
    shape = message_shape(message)
    return None if shape["mentions"] else {"channel": message.channel_id, "message": shape}


def _take_part(channel: Channel, by: Actor, number: int) -> None:
    """Who has read all before has read their own message, too; who was not a member is one now."""
    mine = Member.objects.filter(membership_of(by), channel=channel)
    up_to_date = mine.filter(read=number - 1).update(delivered=number, read=number)
    if not up_to_date and not mine.exists():
        join(channel, by=by)


def _checked(body: str) -> str:
    text = rules.cleaned(body).strip()
    if not text:
        raise RefusedError("empty", "A message needs some text.")
    if len(text) > rules.MAX_BODY:
        raise RefusedError(
            "too_long",
            f"A message may have {rules.MAX_BODY:,} characters; put more into the Channel's document.",
        )
    return text


def _replied(channel: Channel, number: int | None) -> Message | None:
    return None if number is None else message_for(channel, number)


def _mention(message: Message, names: list[str]) -> bool:
    """People by user name, living Pods by key, and those in the Channel by their name too; others are just text.

    A private Channel calls its members only: what is said there is typed nowhere else. Whether Pods are called.
    """
    if not names:
        return False
    channel = message.channel
    wanted = list(dict.fromkeys(names))[: rules.MAX_MENTIONS]
    people = User.objects.filter(
        username__in=wanted, memberships__organization_id=channel.organization_id
    ).exclude(pk=message.author_user_id or 0)
    inside = Q(channel_memberships__channel=channel)
    pods = (
        Pod.objects.filter(Q(key__in=wanted) | Q(inside, name__in=wanted))
        .filter(organization_id=channel.organization_id)
        .exclude(state__in=ENDED)
        .exclude(pk=message.author_pod_id or 0)
    )
    if channel.is_private:
        people, pods = people.filter(inside), pods.filter(inside)
    queued = Mention.Receipt.QUEUED
    of_people = [Mention(message=message, user=user) for user in people.distinct()]
    of_pods = [Mention(message=message, pod=pod, receipt=queued) for pod in pods.distinct()]
    Mention.objects.bulk_create([*of_people, *of_pods])
    return bool(of_pods)


def _is_by(message: Message, by: Actor) -> bool:
    if by.kind is ActorKind.POD:
        return message.author_pod_id == by.pod_id
    return message.author_pod_id is None and message.author_user_id == by.user_id


def _own(message: Message, by: Actor) -> None:
    if not _is_by(message, by) or message.is_notice:
        raise NotAllowedError("not_author", "Only its author may change a message.")
    if message.deleted_at:
        raise ConflictError("deleted", "This message has been deleted.")
