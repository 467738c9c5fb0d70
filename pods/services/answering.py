"""Answering what an agent asks, and interrupting what it does: at once or not at all."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from accounts.actor import Actor
from accounts.audit import record
from pods.commands import OPEN, CommandKind, CommandState
from pods.errors import CommandFailedError, ConflictError, RefusedError
from pods.lifecycle import PodState
from pods.models import Command, Pod, PodEvent
from pods.services import inputs
from pods.services.commands import queue_command
from pods.services.execute import runner_offline, wait_until_done

WITHIN_S = 10.0  # the Runner has typed it by then, or says why not
TEXT = "text"  # the choice that carries words of one's own
SAID = {
    "allow": "allowed",
    "allow_always": "allowed for good",
    "next": "went on",
    "deny": "denied",
    TEXT: "answered",
}


def answer_question(pod: Pod, *, by: Actor, question: str, choice: str, text: str = "") -> Command:
    """`question` is the id of what was read, so that nobody answers what was asked since. `choice` is one of its
    choices, or the label of one of its options.

    Raises RefusedError for another choice than those offered, ConflictError when it is no longer asked,
    RunnerOfflineError.
    """
    _check_running(pod)
    asked = pod.question or {}
    if not asked:
        raise ConflictError("no_question", f"{pod.key} asks nothing now.")
    if asked.get("id") != question:
        raise ConflictError(
            "other_question", f"{pod.key} asks something else by now: look again.", question=asked
        )
    choice = _by_label(asked).get(choice, choice)
    if choice not in asked.get("choices", ()):
        raise RefusedError("bad_choice", _offered(asked), field="choice")
    if choice == TEXT and not text.strip():
        raise RefusedError("no_text", "Write what to answer.", field="text")
    inputs.check_prompt(text)
    payload = {"question": question, "choice": choice, **({"text": text} if text else {})}
    said = f"{by.name} {said_of(asked, choice)}: {asked.get('text', '')}"
    with transaction.atomic():
        record(by, "pod.answer", pod.key, choice=choice)
        return _ask(pod, CommandKind.ANSWER, payload, said)


def said_of(asked: dict[str, Any], choice: str) -> str:
    """What somebody did who gave this answer."""
    labels = {number: label for label, number in _by_label(asked).items()}
    return SAID.get(choice) or f"answered “{labels.get(choice, choice)}”"


def interrupt_agent(pod: Pod, *, by: Actor) -> Command:
    """The turn it is in, as Esc does; the agent itself goes on. Raises ConflictError, RunnerOfflineError."""
    _check_running(pod)
    with transaction.atomic():
        record(by, "pod.interrupt", pod.key)
        return _ask(pod, CommandKind.INTERRUPT, {}, f"{by.name} interrupted it.")


def done(command: Command) -> dict[str, Any]:
    """Waits for the Runner's word, in no transaction. Raises what `told` raises."""
    return told(wait_until_done(command, at_most_s=WITHIN_S))


def told(command: Command) -> dict[str, Any]:
    """Raises ConflictError with the Runner's reason; CommandFailedError when nobody knows."""
    if command.state == CommandState.DONE:
        return dict(command.result)
    if command.state == CommandState.FAILED:
        raise ConflictError(command.error_code or "refused", command.error)
    said = "has not answered in time" if command.state in OPEN else f"says: {command.state}"
    raise CommandFailedError(
        f"command_{command.state}",
        f"The Runner {said}. Look at the terminal before you try again.",
        command=str(command.pk),
    )


# ----


def _check_running(pod: Pod) -> None:
    if pod.state != PodState.RUNNING:
        raise ConflictError("pod_not_running", f"{pod.key} is {pod.state}.")


def _by_label(asked: dict[str, Any]) -> dict[str, str]:
    return {each["label"]: each["choice"] for each in asked.get("options", ())}


def _offered(asked: dict[str, Any]) -> str:
    labels = {choice: f"{choice} ({label})" for label, choice in _by_label(asked).items()}
    offered = ", ".join(labels.get(choice, choice) for choice in asked.get("choices", ()))
    return f"It can be answered with: {offered or 'nothing from here'}."


def _ask(pod: Pod, kind: CommandKind, payload: dict[str, Any], said: str) -> Command:
    if pod.runner is None or not pod.runner.is_online:
        raise runner_offline(pod)
    PodEvent.objects.create(pod=pod, kind=PodEvent.Kind.NOTE, step=kind, text=said[:500])
    return queue_command(
        runner=pod.runner,
        kind=kind,
        payload={"pod": pod.key, **payload},
        pod=pod,
        deadline=now() + timedelta(seconds=WITHIN_S),
    )
