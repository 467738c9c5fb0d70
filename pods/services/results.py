"""What a Runner says it did about a Command, made into rows: the Command's end, and what follows for its Pod."""

import re
from collections.abc import Collection
from typing import Any

from django.utils.timezone import now

from pods import listeners
from pods.commands import OPEN, CommandKind, CommandState
from pods.lifecycle import PodState
from pods.messages import CommandAck, CommandResult
from pods.models import Command, Pod, PodEvent, Workspace
from pods.news import announce
from pods.services.milestones import reached
from pods.services.sessions import Attachment, known_to

_STATES = {
    "done": CommandState.DONE,
    "failed": CommandState.FAILED,
    "expired": CommandState.EXPIRED,
    "unknown": CommandState.UNKNOWN,
}

_DIGEST = re.compile(r"[0-9a-f]{64}")  # of SHA-256


def settle_ack(session: Attachment, claim: CommandAck) -> bool:
    """False for a Command that this Runner was never sent."""
    mine = _sent_to(session).filter(pk=claim.id)
    return bool(mine.advance(CommandState.ACKED, acked_at=now())) or mine.exists()


def settle_result(session: Attachment, claim: CommandResult) -> bool:
    """False for a Command that this Runner was never sent. One that is over already stays as it is."""
    command = _sent_to(session).filter(pk=claim.id).select_related("pod").first()
    if command is None:
        return False
    if command.state in OPEN:
        if command.pod:
            _follow(session, command, command.pod, claim)
        _finish(command, claim)
    return True


def give_up_on_lost(session: Attachment, known: Collection[str]) -> None:
    """Commands the Runner once acknowledged and no longer knows: whether they were done, nobody can say."""
    its = known_to(session, "acked_at")
    acked = _sent_to(session).filter(its, state=CommandState.ACKED).select_related("pod")
    for command in acked:
        if str(command.pk) not in known:
            claim = CommandResult(
                id=str(command.pk),
                state="unknown",
                error_code="not_in_ledger",
                error="The Runner came back without a record of it.",
            )
            settle_result(session, claim)


def _sent_to(session: Attachment) -> Any:
    return Command.objects.filter(runner_id=session.runner_id, sends__gt=0)


def _finish(command: Command, claim: CommandResult) -> None:
    Command.objects.filter(pk=command.pk).advance(
        _STATES[claim.state],
        done_at=now(),
        result=claim.result,
        error_code=claim.error_code[:40],
        error=claim.error,
    )
    command.refresh_from_db(fields=["state", "done_at", "result", "error_code", "error"])
    for listener in listeners.command_over:
        listener(command)
    organization_id = command.pod.organization_id if command.pod else command.runner.organization_id
    announce(organization_id, "command", str(command.pk), _STATES[claim.state])


def _follow(session: Attachment, command: Command, pod: Pod, claim: CommandResult) -> None:
    if claim.state == "unknown":
        _note(pod, f"Whether “{command.kind}” was done is not known. {claim.error}")
    match command.kind, claim.state:
        case CommandKind.START, "done":
            _started(pod, claim.result)
        case CommandKind.START, "failed" | "expired":
            _not_started(pod, claim.error or "The Runner could not start it.")
        case CommandKind.START, "unknown" if pod.key not in session.inventory:
            # the inventory is complete: a Pod that it does not name was not started
            reason = "Its Runner stopped while starting it."
            _advance(pod, PodState.STARTING, PodState.LOST, reason=reason)
        case CommandKind.TERMINATE, "done":
            code = claim.result.get("exit_code")
            _advance(
                pod,
                PodState.STOPPING,
                PodState.TERMINATED,
                exit_code=code if isinstance(code, int) and abs(code) < 2**31 else None,
                ended_at=now(),
            )
        case CommandKind.TERMINATE, "failed" | "expired":
            _note(pod, f"It could not be terminated: {claim.error}")


def _started(pod: Pod, result: dict[str, Any]) -> None:
    made = result.get("workspace")
    if isinstance(made, dict):
        _describe_workspace(pod, made)
    isolation = _text(result, "isolation", 10)
    _know_token(pod, result)
    if not _advance(
        pod, PodState.STARTING, PodState.RUNNING, isolation=isolation, started_at=now()
    ):
        Pod.objects.filter(pk=pod.pk, isolation="").update(isolation=isolation)


def _know_token(pod: Pod, result: dict[str, Any]) -> None:
    """By its hash: what shows this token from now on is that Pod."""
    token_digest = _text(result, "token_digest", 64)
    if _DIGEST.fullmatch(token_digest):
        Pod.objects.filter(pk=pod.pk).update(token_digest=token_digest)


def _describe_workspace(pod: Pod, made: dict[str, Any]) -> None:
    """Only the Pod's own Workspace, and only what the Runner decides about it."""
    sizes = {"path": 500, "branch": 200, "base": 200, "base_commit": 64}
    told = {name: text for name, size in sizes.items() if (text := _text(made, name, size))}
    if told and pod.workspace_id:
        Workspace.objects.filter(pk=pod.workspace_id).update(**told)
        announce(pod.organization_id, "workspace", pod.key)


def _not_started(pod: Pod, reason: str) -> None:
    _advance(pod, PodState.STARTING, PodState.FAILED, reason=reason[:500], ended_at=now())


def _advance(pod: Pod, source: PodState, to: PodState, **changes: Any) -> bool:
    taken = Pod.objects.filter(pk=pod.pk, state=source).advance(to, **changes)
    if taken:
        reached(pod, to)
        announce(pod.organization_id, "pod", pod.key, to)
    return taken


def _note(pod: Pod, text: str) -> None:
    PodEvent.objects.create(pod=pod, kind=PodEvent.Kind.NOTE, text=text[:500])
    announce(pod.organization_id, "pod", pod.key, pod.state)


def _text(values: dict[str, Any], name: str, size: int) -> str:
    value = values.get(name)
    return value[:size] if isinstance(value, str) else ""
