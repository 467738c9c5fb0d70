"""What a Runner claims about its Pods, made into rows. It can only speak of its own, and only under its own epoch."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.timezone import now

from pods.commands import OPEN, CommandKind
from pods.lifecycle import ENDED, LIVE, PodState
from pods.messages import (
    CommandAck,
    CommandResult,
    KeptScreen,
    PodProgress,
    PodReport,
    Report,
    RunnerHello,
)
from pods.models import Command, Pod, PodEvent
from pods.models import KeptScreen as KeptScreenRow
from pods.news import announce
from pods.services.commands import queue_command
from pods.services.results import give_up_on_lost, settle_ack, settle_result
from pods.services.sessions import YOUNGER_THAN_A_HELLO, Attachment, fence

ATTEMPTS = 3  # a Pod's state may change while its end is written


@dataclass(slots=True)
class Settled:
    """What the Runner is to be told, and what this Gateway has to do, once the claims are committed."""

    results: list[str] = field(default_factory=list)  # Command ids: need not be sent again
    ends: list[str] = field(default_factory=list)  # Pod keys: need not be reported again
    running: list[str] = field(default_factory=list)  # Pod keys: their Terminals can be opened
    refused: list[str] = field(default_factory=list)  # what was wrong with which claim
    has_freed: bool = False  # there may be a place for a waiting Pod

    def add(self, other: "Settled") -> None:
        self.results += other.results
        self.ends += other.ends
        self.running += other.running
        self.refused += other.refused
        self.has_freed |= other.has_freed


def settle(session: Attachment, claims: Sequence[Report]) -> Settled:
    """Write the claims down in order, in one transaction. Raises StaleEpochError: then nothing is written."""
    settled = Settled()
    with transaction.atomic():
        for claim in _latest(claims):
            _settle_one(session, claim, settled)
        fence(session)
    return settled


def take_inventory(session: Attachment, hello: RunnerHello) -> Settled:
    """Compare a Runner's whole inventory with the rows: found, ended, lost. Raises StaleEpochError."""
    settled = Settled()
    with transaction.atomic():
        for report in hello.pods:
            _settle_pod(session, report, settled)
        give_up_on_lost(session, hello.unfinished_commands)
        _lose_missing(session, settled)
        fence(session)
    settled.ends.clear()  # the Runner reports each end by itself as well, with the last screen
    return settled


def _settle_one(session: Attachment, claim: Report, settled: Settled) -> None:
    match claim:
        case CommandAck() | CommandResult():
            _settle_command(session, claim, settled)
        case PodReport():
            _settle_pod(session, claim, settled)
        case PodProgress() | KeptScreen():
            _show(session, claim, settled)
        case _:
            assert_never(claim)


def _settle_command(
    session: Attachment, claim: CommandAck | CommandResult, settled: Settled
) -> None:
    if isinstance(claim, CommandAck):
        is_its = settle_ack(session, claim)
    else:
        is_its = settle_result(session, claim)
        settled.results.append(claim.id)
        settled.has_freed = True
    if not is_its:
        settled.refused.append(f"word about Command {claim.id}, which it was not sent")


def _latest(claims: Sequence[Report]) -> list[Report]:
    """Of the screens and progress lines of a Pod only the last one matters."""
    last: dict[object, int] = {}
    for number, claim in enumerate(claims):
        match claim:
            case KeptScreen(pod=pod):
                last["screen", pod] = number
            case PodProgress(pod=pod, step=step):
                last[step, pod] = number
            case _:
                last[number] = number
    return [claims[number] for number in sorted(last.values())]


def _pod_of(session: Attachment, key: str, settled: Settled) -> Pod | None:
    pod = Pod.objects.filter(key=key, runner_id=session.runner_id).first()
    if pod is None:
        settled.refused.append(f"word about Pod {key}, which is not its own")
    return pod


# ---- Progress and screens


def _show(session: Attachment, claim: PodProgress | KeptScreen, settled: Settled) -> None:
    pod = _pod_of(session, claim.pod, settled)
    if pod and isinstance(claim, KeptScreen):
        _keep_screen(pod, claim.screen)
    elif pod and isinstance(claim, PodProgress):
        _progress(pod, claim)


def _progress(pod: Pod, claim: PodProgress) -> None:
    """One event a step, showing its newest line: however much a Runner says, it is three rows."""
    if pod.state not in {PodState.STARTING, PodState.RUNNING}:
        return
    said = PodEvent.objects.filter(pod=pod, kind=PodEvent.Kind.PROGRESS, step=claim.step)
    if not said.update(text=claim.text):
        PodEvent.objects.create(
            pod=pod, kind=PodEvent.Kind.PROGRESS, step=claim.step, text=claim.text
        )
    announce(pod.organization_id, "pod", pod.key, pod.state)


def _keep_screen(pod: Pod, screen: dict[str, Any]) -> None:
    KeptScreenRow.objects.update_or_create(pod=pod, defaults={"screen": screen, "as_of": now()})


# ---- Running, ended, lost


def _settle_pod(session: Attachment, report: PodReport, settled: Settled) -> None:
    pod = _pod_of(session, report.pod, settled)
    if pod is None:
        return
    if pod.state == PodState.PENDING:
        settled.refused.append(f"word about Pod {pod.key}, which it was not told to start")
        return
    match report.state:
        case "running":
            settled.running.append(pod.key)
            _is_running(pod)
        case "ended":
            settled.ends.append(pod.key)
            settled.has_freed = True
            _has_ended(pod, report)
        case "lost":
            settled.ends.append(pod.key)
            settled.has_freed = True
            _lose(pod, report.reason or "Its host is gone.", end_offset=report.end_offset)
        case _:
            assert_never(report.state)


def _is_running(pod: Pod) -> None:
    if pod.state == PodState.STARTING:
        _advance(pod, PodState.RUNNING, started_at=now())
    elif pod.state == PodState.LOST:
        _advance(pod, PodState.RUNNING, reason="Its host was found alive.")
    elif pod.state == PodState.TERMINATED:
        _terminate_again(pod)


def _terminate_again(pod: Pod) -> None:
    """Somebody asked for its end and it lives: no process stays behind."""
    asked = Command.objects.filter(pod=pod, kind=CommandKind.TERMINATE, state__in=OPEN)
    if pod.runner and not asked.exists():
        payload = {"pod": pod.key, "grace_s": 5.0}
        queue_command(runner=pod.runner, kind=CommandKind.TERMINATE, payload=payload, pod=pod)


def _has_ended(pod: Pod, report: PodReport) -> None:
    for _attempt in range(ATTEMPTS):
        if pod.state in ENDED or _end(pod, report):
            break
        pod.refresh_from_db()  # somebody asked for its end just now
    Pod.objects.filter(pk=pod.pk, end_offset=None).update(end_offset=report.end_offset)
    Pod.objects.filter(pk=pod.pk, exit_code=None, state=PodState.TERMINATED).update(
        exit_code=report.exit_code
    )
    if report.screen is not None:
        _keep_screen(pod, report.screen)


def _end(pod: Pod, report: PodReport) -> bool:
    """Take the steps from where the row stands to the end; False if somebody else took one meanwhile."""
    asked = report.asked or pod.state == PodState.STOPPING
    to = (
        PodState.TERMINATED
        if asked
        else PodState.COMPLETED
        if report.exit_code == 0
        else PodState.FAILED
    )
    with transaction.atomic():
        if pod.state in {PodState.STARTING, PodState.LOST}:
            _advance(pod, PodState.RUNNING)  # it did run: its process has an exit code
        if asked and pod.state == PodState.RUNNING:
            _advance(pod, PodState.STOPPING)
        return _advance(
            pod,
            to,
            reason=report.reason or _said(report.exit_code),
            exit_code=report.exit_code,
            end_offset=report.end_offset,
            ended_at=now(),
        )


def _said(exit_code: int) -> str:
    if exit_code >= 0:
        return f"Exit code {exit_code}." if exit_code else ""
    try:
        return f"Ended by {signal.Signals(-exit_code).name}."
    except ValueError:
        return f"Ended by signal {-exit_code}."


def _lose_missing(session: Attachment, settled: Settled) -> None:
    """The inventory is complete, so a Pod it does not name is not there, unless its start is still to come."""
    start = Command.objects.filter(pod=OuterRef("pk"), kind=CommandKind.START, state__in=OPEN)
    missing = Pod.objects.filter(
        runner_id=session.runner_id,
        state__in=LIVE,
        state_since__lt=now() - YOUNGER_THAN_A_HELLO,
    )
    for pod in missing.exclude(Exists(start)).exclude(key__in=session.inventory):
        settled.has_freed = True
        _lose(pod, "Its Runner came back without it.")


def _lose(pod: Pod, reason: str, **changes: Any) -> None:
    _advance(pod, PodState.LOST, reason=reason, **changes)


def _advance(pod: Pod, to: PodState, **changes: Any) -> bool:
    """The step of exactly this Pod from exactly the state it was seen in."""
    if not Pod.objects.filter(pk=pod.pk, state=pod.state).advance(to, **changes):
        return False
    pod.state = to
    announce(pod.organization_id, "pod", pod.key, to)
    return True
