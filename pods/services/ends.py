"""A Pod that runs, has ended or is lost, as its Runner says: the steps from where its row stands."""

import signal
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from pods.commands import OPEN, CommandKind
from pods.lifecycle import ENDED, PodState
from pods.messages import PodReport
from pods.models import Command, KeptScreen, Pod
from pods.news import announce
from pods.services.commands import queue_command

ATTEMPTS = 3  # a Pod's state may change while its end is written
GRACE_S = 5.0


def keep_screen(pod: Pod, screen: dict[str, Any]) -> None:
    KeptScreen.objects.update_or_create(pod=pod, defaults={"screen": screen, "as_of": now()})


def found_running(pod: Pod) -> None:
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
        payload = {"pod": pod.key, "grace_s": GRACE_S}
        queue_command(runner=pod.runner, kind=CommandKind.TERMINATE, payload=payload, pod=pod)


def has_ended(pod: Pod, report: PodReport) -> None:
    for _attempt in range(ATTEMPTS):
        if pod.state in ENDED or _end(pod, report):
            break
        pod.refresh_from_db()  # somebody asked for its end just now
    Pod.objects.filter(pk=pod.pk, end_offset=None).update(end_offset=report.end_offset)
    Pod.objects.filter(pk=pod.pk, exit_code=None, state=PodState.TERMINATED).update(
        exit_code=report.exit_code
    )
    if report.screen is not None:
        keep_screen(pod, report.screen)


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


def lose(pod: Pod, reason: str, **changes: Any) -> None:
    _advance(pod, PodState.LOST, reason=reason, **changes)


def _advance(pod: Pod, to: PodState, **changes: Any) -> bool:
    """The step of exactly this Pod from exactly the state it was seen in."""
    if not Pod.objects.filter(pk=pod.pk, state=pod.state).advance(to, **changes):
        return False
    pod.refresh_from_db(fields=["state"])
    announce(pod.organization_id, "pod", pod.key, to)
    return True
