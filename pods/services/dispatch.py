"""What is to be sent to a Runner, in order; and one look at all Runners a Gateway holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef
from django.utils.timezone import now

from pods.commands import CommandKind, CommandState
from pods.lifecycle import LIVE, PodState
from pods.messages import SendCommand
from pods.models import Certificate, Command, Pod, Runner
from pods.news import announce
from pods.services.milestones import reached
from pods.services.sessions import Attachment, fence
from pods.services.vault import SecretGoneError, reveal


def take(session: Attachment, limit: int) -> list[SendCommand]:
    """The next queued Commands by seq, marked sent; a start's Pod becomes STARTING in the same transaction.

    Empty: nothing is queued. Raises StaleEpochError, and then nothing was marked.
    """
    queued = Command.objects.filter(runner_id=session.runner_id, state=CommandState.QUEUED)
    while queued.exists():  # reads only: an idle Runner takes no write lock
        with transaction.atomic():
            first = queued.select_related("pod").order_by("seq")[:limit]
            ready = [command for command in first if _is_in_time(command) and _is_wanted(command)]
            sent = _mark_sent(ready)
            fence(session)
        if sent:
            return sent
    return []


def _mark_sent(ready: list[Command]) -> list[SendCommand]:
    mine = Command.objects.filter(pk__in=[command.pk for command in ready])
    if mine.advance(CommandState.SENT, sent_at=now(), sends=F("sends") + 1) < len(ready):
        # one was cancelled, or answered for an earlier sending, meanwhile
        taken = set(mine.filter(state=CommandState.SENT).values_list("pk", flat=True))
        ready = [command for command in ready if command.pk in taken]
    return [_to_send(command) for command in ready]


def _to_send(command: Command) -> SendCommand:
    """With what its references to secrets stand for, which goes to its Runner and nowhere else."""
    return SendCommand(
        id=str(command.pk),
        seq=command.seq,
        kind=command.kind,
        pod=command.pod.key if command.pod else "",
        payload=command.payload,
        secrets=_secrets(command),
        expires_in_ms=_left_ms(command.deadline),
        trace=command.trace,
        queued_at_ms=round(command.created_at.timestamp() * 1000),
    )


def _secrets(command: Command) -> dict[str, str]:
    """Sent before and asked for again, it may have been done: then its Runner judges what it lacks."""
    try:
        return reveal(command.payload.get("secrets", {}))
    except SecretGoneError:
        return {}


def _left_ms(deadline: datetime | None) -> int:
    return max(1, int((deadline - now()).total_seconds() * 1000)) if deadline else 0


def _is_wanted(command: Command) -> bool:
    """Cancels a start whose Pod has ended before its Runner was told."""
    pod = command.pod
    if command.kind != CommandKind.START or pod is None:
        return True
    if pod.state in LIVE:
        return True
    if problem := _lacks_secrets(command):
        _fail_start(command, pod, problem)
        return False
    if _becomes_starting(pod):
        return True
    Command.objects.filter(pk=command.pk).advance(CommandState.CANCELLED, done_at=now())
    return False


def _lacks_secrets(command: Command) -> str:
    try:
        reveal(command.payload.get("secrets", {}))
    except SecretGoneError as error:
        return error.message
    return ""


def _fail_start(command: Command, pod: Pod, reason: str) -> None:
    pending = Pod.objects.filter(pk=pod.pk, state=PodState.PENDING)
    if pending.advance(PodState.FAILED, reason=reason, ended_at=now(), waiting_for=""):
        reached(pod, PodState.FAILED)
    announce(pod.organization_id, "pod", pod.key, PodState.FAILED)
    Command.objects.filter(pk=command.pk).advance(
        CommandState.FAILED, done_at=now(), error_code="no_secret", error=reason
    )


def _becomes_starting(pod: Pod) -> bool:
    # its Runner as well: it may be given to another at this very moment
    mine = Pod.objects.filter(pk=pod.pk, runner=pod.runner_id, state=PodState.PENDING)
    try:
        with transaction.atomic():
            starting = mine.advance(PodState.STARTING, waiting_for="")
    except IntegrityError:  # the constraint: one live Pod a Workspace
        reason = "Another Pod is at work in this Workspace."
        if mine.advance(PodState.FAILED, reason=reason, ended_at=now()):
            reached(pod, PodState.FAILED)
        announce(pod.organization_id, "pod", pod.key, PodState.FAILED)
        return False
    if starting:
        announce(pod.organization_id, "pod", pod.key, PodState.STARTING)
    return starting


def _is_in_time(command: Command) -> bool:
    """What a Runner was not told in time is never told."""
    if command.deadline is None or command.deadline > now():
        return True
    if command.kind == CommandKind.START and command.pod:
        waiting = Pod.objects.filter(pk=command.pod.pk, state=PodState.PENDING)
        if waiting.advance(PodState.FAILED, reason="Not started in time.", ended_at=now()):
            reached(command.pod, PodState.FAILED)
        announce(command.pod.organization_id, "pod", command.pod.key, PodState.FAILED)
    Command.objects.filter(pk=command.pk).advance(
        CommandState.EXPIRED,
        done_at=now(),
        error_code="expired",
        error="Its time was over before the Runner could be told.",
    )
    return False


# ---- The sweep


@dataclass(frozen=True, slots=True)
class Seen:
    """How a held Runner's row stands now."""

    epoch: int
    has_queued: bool
    revoked: bool  # the Session's certificate, or the Runner's right to have one
    expired: bool
    disabled: bool


def look(held: Mapping[int, str]) -> dict[int, Seen]:
    """Of each held Runner (id → serial of its Session's certificate), in one query; a deleted one is missing."""
    queued = Command.objects.filter(runner=OuterRef("pk"), state=CommandState.QUEUED)
    good = Certificate.objects.filter(
        runner=OuterRef("pk"), serial__in=held.values(), revoked_at=None
    )
    rows = (
        Runner.objects.filter(pk__in=held)
        .annotate(
            has_queued=Exists(queued),
            good=Exists(good),
            current=Exists(good.filter(not_after__gt=now())),
        )
        .values_list("pk", "epoch", "has_queued", "good", "current", "disabled_at", "retired_at")
    )
    return {
        pk: Seen(
            epoch,
            has_queued,
            revoked=not good or retired_at is not None,
            expired=not current,
            disabled=disabled_at is not None,
        )
        for pk, epoch, has_queued, good, current, disabled_at, retired_at in rows
    }
