"""A mention typed into the agent that was called: queued as a Command, held back when agents go in circles, receipted."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from channels_app import rules, wording
from channels_app.models import Channel, Mention, Message
from channels_app.services.numbers import notice, tell
from pods.commands import CommandKind, CommandState
from pods.lifecycle import PodState
from pods.models import Command, Pod
from pods.services.commands import queue_command

Receipt = Mention.Receipt

_RECEIPTS = {
    CommandState.DONE: Receipt.TYPED,
    CommandState.FAILED: Receipt.FAILED,
    CommandState.EXPIRED: Receipt.FAILED,
    CommandState.UNKNOWN: Receipt.UNKNOWN,
}


class _TakenError(Exception):
    """Somebody else queued this mention first."""


def deliver(message: Message) -> None:
    """Have it typed into the running Pods it calls. Last in the transaction of the message: it holds Runners' rows."""
    _queue(_waiting().filter(message=message))


def deliver_waiting(pod_id: int | None = None) -> int:
    """What could not be typed when it was said, because the Pod did not run; how many mentions that were."""
    queued, waiting = Mention.objects.filter(receipt=Receipt.QUEUED, command=None), _waiting()
    if pod_id is not None:
        queued, waiting = queued.filter(pod_id=pod_id), waiting.filter(pod_id=pod_id)
    if not queued.exists():
        return 0  # most often, and to look at what can be typed joins six tables
    return sum(_queue([mention]) for mention in waiting)


def pod_runs(pod: Pod) -> None:
    """Later, in a transaction of its own: this one holds the Pod's row."""
    transaction.on_commit(partial(deliver_waiting, pod.pk), robust=True)


def pod_ended(pod: Pod) -> None:
    """What its Runner was not sent is not sent any more; about the rest the Runner itself says."""
    unsent = Command.objects.filter(
        pod=pod, kind=CommandKind.PROMPT, state=CommandState.QUEUED, sends=0
    )
    unsent.advance(CommandState.CANCELLED, done_at=now())
    missed = Mention.objects.filter(pod=pod, receipt=Receipt.QUEUED)
    missed = missed.filter(Q(command=None) | Q(command__state=CommandState.CANCELLED))
    for mention in missed.select_related("message__channel"):
        _settle(mention, Receipt.ENDED)


def command_over(command: Command) -> None:
    if command.kind != CommandKind.PROMPT:
        return
    mention = Mention.objects.filter(command=command).select_related("message__channel").first()
    receipt = _RECEIPTS.get(CommandState(command.state))
    if command.error_code == "pod_ended":
        receipt = Receipt.ENDED
    if mention and receipt:
        _settle(mention, receipt)


def withdraw(message: Message) -> None:
    """Mentions that no Runner was sent yet are not typed any more."""
    for mention in message.mentions.filter(receipt=Receipt.QUEUED):
        unsent = Command.objects.filter(mention=mention, state=CommandState.QUEUED, sends=0)
        if mention.command_id is None or unsent.advance(CommandState.CANCELLED, done_at=now()):
            mention.delete()


# ----


def _waiting() -> QuerySet[Mention]:
    return (
        Mention.objects.filter(
            receipt=Receipt.QUEUED,
            command=None,
            pod__state=PodState.RUNNING,
            pod__runner__retired_at=None,
            message__deleted_at=None,
        )
        .exclude(pod__runner=None)
        .select_related(
            "message__channel",
            "message__author_pod",
            "message__author_user",
            "message__reply_to",
            "pod__runner",
        )
        .order_by("pod__runner_id", "pk")  # Runners' rows in one order: no deadlock
    )


def _queue(mentions: Iterable[Mention]) -> int:
    queued = 0
    for mention in mentions:
        try:
            with transaction.atomic():
                queued += _hold(mention) or _type(mention)
        except _TakenError:
            continue
    return queued


def _type(mention: Mention) -> bool:
    pod = mention.pod
    if pod is None or pod.runner is None:
        return False
    free = Mention.objects.filter(pk=mention.pk, command=None, receipt=Receipt.QUEUED)
    if not free.update(receipt=Receipt.QUEUED):  # locks it before the Runner, as a Pod's end does
        raise _TakenError
    command = queue_command(
        runner=pod.runner,
        kind=CommandKind.PROMPT,
        payload={"pod": pod.key, "text": _text(mention.message, pod), "may_join": True},
        pod=pod,
    )
    free.update(command=command)
    return True


def _text(message: Message, pod: Pod) -> str:
    call = wording.Call(
        channel=message.channel.slug,
        number=message.number,
        author=_author(message),
        name=message.author_name,
        is_pod=message.author_pod_id is not None,
        body=message.body,
        reply_to=message.reply_to.number if message.reply_to else None,
    )
    shell = wording.shell_of(pod.spec.get("argv", []))
    if shell:
        return wording.for_shell(call, quotes=shell != "zsh")
    return wording.for_agent(call)


def _author(message: Message) -> str:
    if message.author_pod:
        return message.author_pod.key
    return message.author_user.username if message.author_user else message.author_name


# ---- The loop guard


def _hold(mention: Mention) -> bool:
    """Do not type what only keeps two agents going; say so once in the Channel."""
    author = mention.message.author_pod_id
    if author is None:
        return False
    between = _between(author, mention.pod_id, mention.message.channel).exclude(pk=mention.pk)
    typed = between.exclude(receipt__in=[Receipt.HELD, Receipt.ENDED, Receipt.FAILED])
    if not rules.goes_in_circles(typed.values_list("at", flat=True), now()):
        return False
    held_before = between.filter(receipt=Receipt.HELD, at__gt=now() - rules.PING_PONG_WINDOW)
    is_first = not held_before.exists()
    if _settle(mention, Receipt.HELD) and is_first:
        notice(mention.message.channel, _why(mention))
    return True


def _between(one: int, other: int | None, channel: Channel) -> QuerySet[Mention]:
    """Mentions between these two Pods since a person last spoke in the Channel."""
    pair = Q(message__author_pod_id=one, pod_id=other) | Q(message__author_pod_id=other, pod_id=one)
    person = channel.messages.filter(author_pod=None, is_notice=False).order_by("-number").first()
    since = Q(at__gt=person.created_at) if person else Q()
    return Mention.objects.filter(pair & since)


def _why(mention: Mention) -> str:
    minutes = int(rules.PING_PONG_WINDOW.total_seconds() // 60)
    callee = mention.pod.key if mention.pod else ""
    return (
        f"{_author(mention.message)} and {callee} have called each other {rules.PING_PONG} times within "
        f"{minutes} minutes, with no word from a person. Further mentions between them can be read "
        "here, but are not typed into their prompts until a person writes here or some time has passed."
    )


def _settle(mention: Mention, receipt: str) -> bool:
    """The receipt, if it still waits for one; whoever shows the message is told."""
    waiting = Mention.objects.filter(pk=mention.pk, receipt=Receipt.QUEUED)
    typed_at = now() if receipt == Receipt.TYPED else None
    if not waiting.update(receipt=receipt, typed_at=typed_at):
        return False
    tell(mention.message.channel, mention.message.number)
    return True
