"""How Channels and messages are put into words. Pure but for the rows they are given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.actor import Actor
from channels_app.models import Member, Mention, Message
from channels_app.pages.markdown import html, plain

ONE_BREATH = timedelta(minutes=5)  # messages of one author within this share a heading
QUOTED, LOOKED_AT = 120, 400  # characters of what is replied to

_RECEIPTS = {
    Mention.Receipt.QUEUED: "will be typed when it is idle",
    Mention.Receipt.TYPED: "typed into its prompt",
    Mention.Receipt.HELD: "held back: these two answered each other too often",
    Mention.Receipt.ENDED: "ended before it was told",
    Mention.Receipt.FAILED: "could not be typed; it can still be read",
    Mention.Receipt.UNKNOWN: "perhaps typed: its Runner died meanwhile",
}


@dataclass(frozen=True, slots=True)
class MessageLook:
    """A message for one reader. `message` comes with its author, what it answers, and its mentions."""

    message: Message
    is_mine: bool
    follows: bool  # the same author, just before
    is_first_unread: bool
    new_day: bool
    calls_me: bool
    html: SafeString

    @property
    def kind(self) -> str:
        if self.message.is_notice:
            return "mesh"
        return "pod" if self.message.author_pod_id else "person"

    @property
    def version(self) -> str:
        """Changes with whatever may change of a message."""
        receipts = [each.receipt for each in self.message.mentions.all()]
        at = self.message.deleted_at or self.message.edited_at
        return " ".join([at.isoformat() if at else "", *receipts])

    @property
    def receipts(self) -> list[tuple[str, str, str]]:
        """Of each Pod that was called: its key, its name and what became of it."""
        return [
            (each.pod.key, str(each.pod), _RECEIPTS[Mention.Receipt(each.receipt)])
            for each in self.message.mentions.all()
            if each.pod and each.receipt != Mention.Receipt.NONE
        ]

    @property
    def quote(self) -> str:
        """The beginning of what this answers."""
        said = self.message.reply_to
        if said is None:
            return ""
        text = plain(said.body[:LOOKED_AT])
        return (text[:QUOTED] + "…" if len(text) > QUOTED else text) or "(deleted)"


def looks(
    found: Iterable[Message], actor: Actor, *, previous: Message | None = None, read: int = -1
) -> Iterator[MessageLook]:
    """`previous`: what stands above the first; `read`: the reader's cursor, -1 for no line."""
    line_drawn = read < 0
    for message in found:
        is_mine = _is_mine(message, actor)
        is_unread = not line_drawn and message.number > read and not is_mine
        line_drawn = line_drawn or is_unread
        yield MessageLook(
            message=message,
            is_mine=is_mine,
            follows=_follows(message, previous) and not is_unread,
            is_first_unread=is_unread,
            new_day=previous is None or previous.created_at.date() != message.created_at.date(),
            calls_me=any(each.user_id == actor.user_id for each in message.mentions.all()),
            html=html(message.body, _known(message, actor)),
        )
        previous = message


def _is_mine(message: Message, actor: Actor) -> bool:
    return (
        not message.is_notice
        and message.author_pod_id is None
        and message.author_user_id == actor.user_id
    )


def _follows(message: Message, previous: Message | None) -> bool:
    if previous is None or message.is_notice or previous.is_notice or message.reply_to_id:
        return False
    is_same = (message.author_pod_id, message.author_user_id) == (
        previous.author_pod_id,
        previous.author_user_id,
    )
    is_near = message.created_at - previous.created_at < ONE_BREATH
    return is_same and is_near and message.created_at.date() == previous.created_at.date()


def _known(message: Message, actor: Actor) -> Iterator[tuple[str, str]]:
    for mention in message.mentions.all():
        if mention.user:
            yield mention.user.username, "me" if mention.user_id == actor.user_id else ""
        elif mention.pod:
            page = reverse("pod", args=[mention.pod.key])
            yield mention.pod.key, page
            yield str(mention.pod), page


@dataclass(frozen=True, slots=True)
class MemberLook:
    """A member and how far it has come. `member` comes with its user and Pod."""

    member: Member
    last: int  # number of the Channel's last message

    @property
    def name(self) -> str:
        return str(self.member.pod or self.member.user)

    @property
    def behind(self) -> int:
        return max(self.last - self.member.read, 0)

    @property
    def word(self) -> str:
        if not self.behind:
            return "has read all"
        held = self.last - self.member.delivered
        return f"{self.behind} unread" if held < self.behind else f"{self.behind} not delivered yet"
