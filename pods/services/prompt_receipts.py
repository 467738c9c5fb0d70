"""What became of a prompt, as its Runner says: receipts, its end, and the turn of the next one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from pods.commands import CommandKind, CommandState
from pods.messages import PromptStep
from pods.models import Command, Pod, Prompt, Receipt
from pods.news import announce
from pods.prompts import PromptState
from pods.services.prompt_release import release_next

_STEPS = (PromptState.TYPED, PromptState.SUBMITTED, PromptState.STARTED)
_UNSEEN = "Its Runner says that it was typed, and not how that was seen."
_ENDED = "The Pod has ended."


def pod_runs(pod: Pod) -> None:
    _then_next(pod)


def agent_changed(pod: Pod) -> None:
    _then_next(pod)


def pod_ended(pod: Pod) -> None:
    """Nothing more is typed into it: what waits or was not submitted is cancelled, its text is kept."""
    unsent = Command.objects.filter(
        pod=pod, kind=CommandKind.PROMPT, state=CommandState.QUEUED, sends=0
    )
    unsent.exclude(prompt=None).advance(CommandState.CANCELLED, done_at=now())
    why = f"{_ENDED} {pod.reason}".strip()
    for prompt in pod.prompts.filter(over_at=None):
        mine = Prompt.objects.filter(pk=prompt.pk)
        if not mine.advance(PromptState.CANCELLED, evidence=why):
            mine.filter(over_at=None).update(over_at=now())  # it was submitted before
    announce(pod.organization_id, "prompt", pod.key)


def went_on(command: Command, said: PromptStep) -> None:
    """A step is told as it is taken; the result tells all of them again."""
    prompt = Prompt.objects.filter(command=command).select_related("pod").first()
    if prompt is None:
        return
    at = _time(said.at_ms)
    if Prompt.objects.filter(pk=prompt.pk).advance(
        PromptState(said.step), evidence=said.evidence, at=at
    ):
        announce(prompt.pod.organization_id, "prompt", prompt.pod.key)


def command_over(command: Command) -> None:
    if command.kind != CommandKind.PROMPT:
        return
    prompt = Prompt.objects.filter(command=command).select_related("pod").first()
    if prompt is None:
        return
    mine = Prompt.objects.filter(pk=prompt.pk)
    _take_steps(prompt, command)
    if command.state != CommandState.DONE and prompt.over_at is None:
        ended = command.error_code == "pod_ended" or command.state == CommandState.CANCELLED
        mine.advance(PromptState.CANCELLED if ended else PromptState.FAILED, evidence=_why(command))
    mine.filter(over_at=None).update(over_at=now())
    announce(prompt.pod.organization_id, "prompt", prompt.pod.key)
    _then_next(prompt.pod)


# ----


def _take_steps(prompt: Prompt, command: Command) -> None:
    steps = list(_steps_of(command.result))
    if command.state == CommandState.DONE and not steps:
        steps = [(PromptState.TYPED, _UNSEEN, now())]
    for step, evidence, at in steps:
        if not Prompt.objects.filter(pk=prompt.pk).advance(step, evidence=evidence, at=at):
            seen = {"at": at, "evidence": evidence[: Receipt.EVIDENCE_MAX]}
            Receipt.objects.get_or_create(prompt=prompt, step=step, defaults=seen)


def _steps_of(result: dict[str, Any]) -> Iterable[tuple[PromptState, str, datetime]]:
    """As a Runner claims them: what is odd is left out."""
    told = result.get("steps")
    for each in told if isinstance(told, list) else ():
        if not isinstance(each, dict) or each.get("step") not in _STEPS:
            continue
        at, evidence = each.get("at_ms"), each.get("evidence")
        yield (
            PromptState(each["step"]),
            evidence if isinstance(evidence, str) else "",
            _time(at) if isinstance(at, int) else now(),
        )


def _why(command: Command) -> str:
    match command.state:
        case CommandState.UNKNOWN:
            return f"Whether it was typed is not known. {command.error}".strip()
        case CommandState.CANCELLED:
            return "It was taken back before its Runner was told."
    evidence = command.result.get("evidence")
    seen = f" Seen: {evidence}" if isinstance(evidence, str) and evidence else ""
    return f"{command.error or 'Its Runner could not type it.'}{seen}"


def _time(ms: int) -> datetime:
    """A Runner's clock may be wrong: nothing was seen in the future."""
    try:
        return min(datetime.fromtimestamp(ms / 1000, UTC), now()) if ms > 0 else now()
    except (OverflowError, ValueError, OSError):
        return now()


def _then_next(pod: Pod) -> None:
    """Later, in a transaction of its own: this one holds the Pod's row."""
    transaction.on_commit(partial(release_next, pod.pk), robust=True)
