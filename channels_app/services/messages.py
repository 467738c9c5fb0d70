"""What is said: post, edit, delete, read. A message's number is the truth of its order."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind
from accounts.models import User
from channels_app import rules
from channels_app.access import membership_of
from channels_app.models import Channel, Member, Mention, Message
from channels_app.services.channels import join
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RefusedError
from pods.lifecycle import ENDED
from pods.models import Pod
from pods.news import announce

PAGE = 100


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
        number = _next_number(channel)
        message = Message.objects.create(
            channel=channel,
            number=number,
            author_user_id=None if by.kind is ActorKind.POD else by.user_id,
            author_pod_id=by.pod_id,
            author_name=by.name,
            body=text,
            reply_to=_replied(channel, reply_to),
        )
        _mention(message, [*mentions, *rules.mentioned(text)])
        member = join(channel, by=by)
        Member.objects.filter(pk=member.pk, read=number - 1).update(delivered=number, read=number)
    _tell(channel, number)
    return message


def notice(channel: Channel, body: str) -> Message:
    """A line of Mesh itself."""
    with transaction.atomic():
        number = _next_number(channel)
        message = Message.objects.create(
            channel=channel, number=number, author_name="Mesh", is_notice=True, body=body
        )
    _tell(channel, number)
    return message


def edit(message: Message, *, by: Actor, body: str) -> None:
    """By its author alone. Who was mentioned stays as it was: nobody is called twice."""
    _own(message, by)
    Message.objects.filter(pk=message.pk, deleted_at=None).update(
        body=_checked(body), edited_at=now()
    )
    _tell(message.channel, message.number)


def delete(message: Message, *, by: Actor) -> None:
    """Its number stays, its text goes; a mention not yet typed is not typed any more."""
    _own(message, by)
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(body="", deleted_at=now())
        message.mentions.filter(receipt=Mention.Receipt.QUEUED).delete()
    _tell(message.channel, message.number)


def after(channel: Channel, number: int, limit: int = PAGE) -> list[Message]:
    """The messages above `number`, in order."""
    return list(_shown(channel).filter(number__gt=number).order_by("number")[:limit])


def before(channel: Channel, number: int, limit: int = PAGE) -> list[Message]:
    """The last messages below `number`, in order."""
    return list(reversed(_shown(channel).filter(number__lt=number).order_by("-number")[:limit]))


def search(channel: Channel, words: str, limit: int = PAGE) -> list[Message]:
    """Messages with all of these words, newest first."""
    wanted = Q()
    for word in words.split()[:10]:
        wanted &= Q(body__icontains=word)
    return list(_shown(channel).filter(wanted, deleted_at=None).order_by("-number")[:limit])


def unread_from(channel: Channel, *, by: Actor) -> int:
    """The last number this member has read; for others the start."""
    mine = Member.objects.filter(membership_of(by), channel=channel)
    return mine.values_list("read", flat=True).first() or 0


def unread_channels(by: Actor, slugs: Iterable[str]) -> list[Channel]:
    """Channels this Actor is in with something above its read cursor; only of these slugs, if any."""
    mine = Member.objects.filter(membership_of(by), read__lt=F("channel__last_number"))
    if wanted := list(slugs):
        mine = mine.filter(channel__slug__in=wanted)
    return [each.channel for each in mine.select_related("channel").order_by("pk")]


def unread_of_others(channel: Channel, *, by: Actor, limit: int = PAGE) -> list[Message]:
    """What this member has not read, if anything of it was said by somebody else; in order, its own included."""
    found = after(channel, unread_from(channel, by=by), limit)
    return found if any(not _is_by(each, by) for each in found) else []


def mark(channel: Channel, *, by: Actor, delivered: int = 0, read: int = 0) -> None:
    """Move this member's cursors forward, never back and never beyond the last message."""
    last = Channel.objects.values_list("last_number", flat=True).get(pk=channel.pk)
    mine = Member.objects.filter(membership_of(by), channel=channel)
    reached = min(max(delivered, read), last)
    mine.filter(delivered__lt=reached).update(delivered=reached)
    mine.filter(read__lt=min(read, last)).update(read=min(read, last))


def message_for(channel: Channel, number: int) -> Message:
    message = _shown(channel).filter(number=number).first()
    if message is None:
        raise NotVisibleError("not_found", f"There is no message {number} in #{channel.slug}.")
    return message


def _shown(channel: Channel) -> QuerySet[Message]:
    return channel.messages.select_related("reply_to", "author_pod", "author_user", "channel")


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


def _next_number(channel: Channel) -> int:
    """Taken in the message's own transaction: what is rolled back leaves no gap."""
    taken = Channel.objects.filter(pk=channel.pk, archived_at=None).update(
        last_number=F("last_number") + 1, last_at=now()
    )
    if not taken:
        raise ConflictError("archived", f"#{channel.slug} is archived: nothing more can be posted.")
    return Channel.objects.values_list("last_number", flat=True).get(pk=channel.pk)


def _replied(channel: Channel, number: int | None) -> Message | None:
    return None if number is None else message_for(channel, number)


def _mention(message: Message, names: list[str]) -> None:
    """People and living Pods of the Organization by user name, Pod key or Pod name; others are just text."""
    organization = message.channel.organization_id
    wanted = list(dict.fromkeys(names))[: rules.MAX_MENTIONS]
    people = User.objects.filter(username__in=wanted, memberships__organization_id=organization)
    pods = (
        Pod.objects.filter(Q(key__in=wanted) | Q(name__in=wanted), organization_id=organization)
        .exclude(state__in=ENDED)
        .exclude(pk=message.author_pod_id)
    )
    Mention.objects.bulk_create(
        [
            Mention(message=message, user=user)
            for user in people
            if user.pk != message.author_user_id
        ]
        + [Mention(message=message, pod=pod, receipt=Mention.Receipt.QUEUED) for pod in pods]
    )


def _is_by(message: Message, by: Actor) -> bool:
    if by.kind is ActorKind.POD:
        return message.author_pod_id == by.pod_id
    return message.author_pod_id is None and message.author_user_id == by.user_id


def _own(message: Message, by: Actor) -> None:
    if not _is_by(message, by) or message.is_notice:
        raise NotAllowedError("not_author", "Only its author may change a message.")
    if message.deleted_at:
        raise ConflictError("deleted", "This message has been deleted.")


def _tell(channel: Channel, number: int) -> None:
    announce(channel.organization_id, "message", channel.slug, str(number))
