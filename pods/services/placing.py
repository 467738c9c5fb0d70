"""Which Runner gets a Pod, and what to say while none fits."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Q

from pods.commands import CommandKind
from pods.lifecycle import LIVE, PodState
from pods.models import Certificate, Pod, Runner, Workspace
from pods.models.runner import RunnerQuerySet
from pods.news import announce
from pods.services.availability import availability
from pods.services.commands import cancel_queued, queue_command
from pods.services.start_payload import start_payload

AT_ONCE_MAX = 200  # Pods looked at in one pass; the next pass goes on
REASONS_MAX = 3  # Runners named in one sentence

_TAKE_PLACE = [*sorted(LIVE), PodState.PENDING]


class _TakenError(Exception):
    """Somebody else got the place, or the Pod, first."""


def place_pending(*, organization_id: int | None = None) -> int:
    """Give waiting Pods, oldest first, to Runners that fit by now; how many got one."""
    waiting = Pod.objects.filter(state=PodState.PENDING, runner=None).order_by("pk")
    if organization_id is not None:
        waiting = waiting.filter(organization_id=organization_id)
    # asked after each end of a Pod, and mostly there is none
    found = list(waiting.values_list("pk", flat=True)[:AT_ONCE_MAX])
    pods = Pod.objects.filter(pk__in=found).select_related("agent_type", "workspace__repository")
    return sum(place(pod) for pod in pods.order_by("pk")) if found else 0


def place(pod: Pod) -> bool:
    """Choose a Runner and queue the start there, or write down why there is none."""
    reasons: list[str] = []
    for candidate in _candidates(pod):
        if problem := _problem(pod, candidate):
            reasons.append(problem)
        elif _take_place(pod, candidate.runner):
            _note_waiting(pod, _away(candidate.runner))
            return True
        elif not Pod.objects.filter(pk=pod.pk, state=PodState.PENDING, runner=None).exists():
            return False  # somebody else placed it, or ended it
        else:
            reasons.append(_full(candidate.runner))
    _note_waiting(pod, _sentence(pod, reasons))
    return False


def unplace(pod: Pod) -> bool:
    """Take a Pod back from a Runner that was never sent its start, so that another can get it."""
    with transaction.atomic():
        placed = Pod.objects.filter(pk=pod.pk, state=PodState.PENDING).exclude(runner=None)
        if not placed.update(runner=None):
            return False
        cancel_queued(pod, CommandKind.START)
        Workspace.objects.filter(pods=pod).update(runner=None)
    announce(pod.organization_id, "pod", pod.key, PodState.PENDING)
    return True


def taken_places(runners: RunnerQuerySet) -> RunnerQuerySet:
    """With `taken`: the Pods on each Runner that take a place, or will."""
    return runners.annotate(
        taken=Count("pods", filter=Q(pods__state__in=_TAKE_PLACE), distinct=True)
    )


# ---- Choosing


@dataclass(frozen=True, slots=True)
class _Candidate:
    runner: Runner
    taken: int
    is_void: bool  # every certificate it had is revoked

    @property
    def is_full(self) -> bool:
        return self.taken >= self.runner.capacity


def _candidates(pod: Pod) -> list[_Candidate]:
    """Those the Pod asked for, most free places first."""
    runners = Runner.objects.filter(organization_id=pod.organization_id)
    if wanted := pod.wanted.get("runner"):
        runners = runners.filter(pk=wanted)
    else:
        runners = runners.usable()
    labels = pod.wanted.get("labels", {})
    fitting = [runner for runner in runners if labels.items() <= runner.labels.items()]
    taken, void = _taken(fitting), _void(fitting)
    candidates = [
        _Candidate(runner, taken.get(runner.pk, 0), runner.pk in void) for runner in fitting
    ]
    return sorted(candidates, key=lambda one: (one.taken - one.runner.capacity, one.runner.pk))


def _taken(runners: list[Runner]) -> dict[int, int]:
    """A join of all that a Runner and its Pods are would take longer than three looks."""
    theirs = Pod.objects.filter(runner__in=runners, state__in=_TAKE_PLACE).order_by()
    return dict(theirs.values_list("runner").annotate(Count("pk")))


def _void(runners: list[Runner]) -> set[int]:
    certificates = Certificate.objects.filter(runner__in=runners)
    known = list(certificates.values_list("runner", "revoked_at"))
    return {pk for pk, _ in known} - {pk for pk, revoked_at in known if revoked_at is None}


def _problem(pod: Pod, candidate: _Candidate) -> str:
    """Why this Runner cannot have the Pod now; empty if it can."""
    runner = candidate.runner
    if candidate.is_void:
        return f"{runner.name} has had its certificate revoked"
    if problem := _standing(runner):
        return f"{runner.name} {problem}"
    if not runner.is_online and not pod.wanted.get("runner"):
        return f"{runner.name} is offline"
    if problem := availability(runner, pod.agent_type.declared).problem:
        return f"{runner.name} {problem}"
    if pod.spec.get("login") == "must" and not runner.lends_login:
        return f"{runner.name} does not lend its own login (a switch on the Runners page)"
    return _full(runner) if candidate.is_full else ""


def _standing(runner: Runner) -> str:
    if runner.retired_at:
        return "is retired"
    if runner.disabled_at:
        return "is disabled"
    if runner.draining_since:
        return "is draining"
    if runner.updating_since:
        return "is being updated"
    return "" if runner.attached_at else "has not connected yet"


def _full(runner: Runner) -> str:
    return f"{runner.name} is full ({runner.capacity} of {runner.capacity} Pods)"


# ---- Taking the place


def _take_place(pod: Pod, runner: Runner) -> bool:
    """False if the place or the Pod is gone by now. Of two placings at once the second counts again."""
    try:
        with transaction.atomic():  # a savepoint at least: its locks go when it is given up
            workspace = _claim(pod, runner)
            _check_room(runner)
            queue_command(
                runner=runner,
                kind=CommandKind.START,
                payload=start_payload(pod, workspace, runner),
                pod=pod,
            )
    except _TakenError:
        pod.runner = None
        return False
    announce(pod.organization_id, "pod", pod.key, PodState.PENDING)
    return True


def _claim(pod: Pod, runner: Runner) -> Workspace:
    free = Pod.objects.filter(pk=pod.pk, state=PodState.PENDING, runner=None)
    if not free.update(runner=runner):
        raise _TakenError
    pod.runner = runner
    workspace = pod.workspace
    assert workspace  # noqa: S101 - none is made without
    Workspace.objects.filter(pk=workspace.pk).update(runner=runner)
    return workspace


def _check_room(runner: Runner) -> None:
    """Counted under the Runner's row lock, this Pod included."""
    open_to_new = Runner.objects.usable().filter(
        pk=runner.pk, draining_since=None, updating_since=None
    )
    if not open_to_new.update(next_seq=F("next_seq")):  # takes the lock
        raise _TakenError
    taken = Pod.objects.filter(runner=runner, state__in=_TAKE_PLACE).count()
    if taken > runner.capacity:
        raise _TakenError


# ---- Saying why


def _note_waiting(pod: Pod, sentence: str) -> None:
    if pod.waiting_for == sentence:
        return
    pod.waiting_for = sentence
    Pod.objects.filter(pk=pod.pk, state=PodState.PENDING).update(waiting_for=sentence)
    announce(pod.organization_id, "pod", pod.key, PodState.PENDING)


def _away(runner: Runner) -> str:
    return "" if runner.is_online else f"{runner.name} is offline; it starts there when it is back."


def _sentence(pod: Pod, reasons: Iterable[str]) -> str:
    reasons = list(reasons)
    labels = pod.wanted.get("labels")
    if not reasons and labels:
        wanted = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))
        return f"No Runner has the labels {wanted}."[:300]
    if not reasons:
        return "There is no Runner yet: add one on the Runners page."
    if pod.wanted.get("runner"):
        return f"{reasons[0]}."[:300]
    more = len(reasons) - REASONS_MAX
    shown = "; ".join(reasons[:REASONS_MAX]) + (f"; and {more} more" if more > 0 else "")
    return f"No Runner fits: {shown}."[:300]
