"""What is done to a Pod's Workspace from here: commit, push, remove to the trash and have back. Its Runner does it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now

from accounts.actor import Actor
from accounts.audit import record
from pods.commands import OPEN, CommandKind, CommandState
from pods.errors import CommandFailedError, ConflictError, RefusedError, RunnerOfflineError
from pods.lifecycle import LIVE, PodState
from pods.models import Command, Pod, PodEvent, Secret, Workspace
from pods.news import announce
from pods.services import inputs
from pods.services.commands import queue_command
from pods.services.execute import runner_offline, wait_until_done
from pods.services.vault import reference

COMMIT_S, PUSH_S, REMOVE_S = 60.0, 120.0, 60.0  # how long a caller waits for the Runner
MESSAGE_MAX = 10_000  # characters
PATHS_MAX = 1000
_KINDS = frozenset({CommandKind.COMMIT, CommandKind.PUSH, CommandKind.REMOVE, CommandKind.RESTORE})
_CONFLICTS = frozenset(
    {
        *("nothing_to_commit", "no_identity", "git_busy", "commit_failed", "nothing_to_push"),
        *("no_branch", "no_remote", "no_credentials", "rejected", "unreachable", "push_failed"),
        *("has_work", "workspace_busy", "not_in_trash", "in_the_way", "not_kept", "no_git"),
        *("not_readable", "unknown_pod", "bad_branch", "bad_remote", "timed_out"),
    }
)
"""What a Runner says that a person can do something about."""


def commit_workspace(
    pod: Pod, *, by: Actor, message: str, paths: Sequence[str] = ()
) -> dict[str, Any]:
    """{commit, files, branch}. Raises RefusedError, ConflictError with the reason, RunnerOfflineError."""
    if not message.strip() or len(message) > MESSAGE_MAX or "\0" in message:
        raise RefusedError(
            "bad_message",
            f"A commit has a message of 1 to {MESSAGE_MAX} characters.",
            field="message",
        )
    if len(paths) > PATHS_MAX:
        raise RefusedError("bad_paths", f"At most {PATHS_MAX} paths.", field="paths")
    for path in paths:
        inputs.check_path(path)
    payload = {"message": message, "paths": list(paths)}
    return _done(_ask(pod, by, CommandKind.COMMIT, payload, COMMIT_S), COMMIT_S)


def push_workspace(pod: Pod, *, by: Actor, remote: str = "", branch: str = "") -> dict[str, Any]:
    """{remote, branch, head}. Raises RefusedError, ConflictError with the reason, RunnerOfflineError."""
    if branch:
        inputs.check_ref(branch, field="branch")
    if remote:
        inputs.check_ref(remote, field="remote")
    payload: dict[str, Any] = {"remote": remote or "origin", "branch": branch}
    if token := _token(pod):
        payload["secrets"] = {"git_token": reference(token)}
    return _done(_ask(pod, by, CommandKind.PUSH, payload, PUSH_S), PUSH_S)


def remove_workspace(pod: Pod, *, by: Actor, confirm: str = "") -> dict[str, Any]:
    """Into its Runner's trash for 14 days. With work in it only if `confirm` is the Pod's key.

    Raises RefusedError, ConflictError: has_work, workspace_in_use, workspace_removed; RunnerOfflineError.
    """
    if confirm and confirm != pod.key:
        raise RefusedError(
            "bad_confirm", f"To remove it with its work, confirm is {pod.key}.", field="confirm"
        )
    workspace = _its(pod)
    if workspace.removed_at:
        raise ConflictError("workspace_removed", "It is removed already.")
    _check_online(pod)
    payload = {"force": bool(confirm), "why": f"{by.name} asked for it."}
    with transaction.atomic():
        record(by, "workspace.remove", pod.key, force=bool(confirm))
        command = queue_removal(pod, workspace, payload, deadline=_within(REMOVE_S))
    return _done(command, REMOVE_S)


def queue_removal(
    pod: Pod, workspace: Workspace, payload: dict[str, Any], deadline: datetime | None = None
) -> Command:
    """In a transaction. Raises ConflictError while a Pod is, or is about to be, at work in it."""
    hold(workspace)
    check_unused(workspace)
    Workspace.objects.filter(pk=workspace.pk).update(removal_asked_at=now())
    assert pod.runner is not None  # noqa: S101 - a Workspace of a Pod that ran has its Runner
    return queue_command(
        runner=pod.runner,
        kind=CommandKind.REMOVE,
        payload={"pod": pod.key, **payload},
        pod=pod,
        deadline=deadline,
    )


def restore_workspace(pod: Pod, *, by: Actor) -> dict[str, Any]:
    """Back from the trash, as it was. Raises ConflictError, RunnerOfflineError."""
    if not _its(pod).removed_at:
        raise ConflictError("not_removed", "The Workspace was not removed.")
    return _done(_ask(pod, by, CommandKind.RESTORE, {}, REMOVE_S), REMOVE_S)


def hold(workspace: Workspace) -> None:
    """Of those who resume, remove or restore at once, one goes first. In a transaction."""
    Workspace.objects.filter(pk=workspace.pk).update(removal_asked_at=F("removal_asked_at"))


def check_unused(workspace: Workspace) -> None:
    """Raises ConflictError while a Pod is, or will be, at work in it."""
    busy = Pod.objects.filter(workspace=workspace, state__in=[PodState.PENDING, *sorted(LIVE)])
    if at_work := busy.first():
        raise ConflictError(
            "workspace_in_use", f"{at_work} is at work in this Workspace: end it first."
        )


def check_there(workspace: Workspace) -> None:
    """Raises ConflictError when it was removed, or is about to be."""
    workspace.refresh_from_db(fields=["removed_at"])
    if workspace.removed_at:
        raise ConflictError(
            "workspace_removed", "The Workspace was removed. Have it back from the trash first."
        )
    going = Command.objects.filter(
        pod__workspace=workspace, kind=CommandKind.REMOVE, state__in=sorted(OPEN)
    )
    if going.exists():
        raise ConflictError("workspace_going", "The Workspace is just being removed.")


# ---- What the Runner says of it


def command_over(command: Command) -> None:
    """A listener: what a Command on a Workspace did is known by all."""
    pod = command.pod
    if command.kind not in _KINDS or pod is None or pod.workspace_id is None:
        return
    mine = Workspace.objects.filter(pk=pod.workspace_id)
    match command.kind, command.state:
        case CommandKind.REMOVE, CommandState.DONE:
            mine.update(removed_at=now(), kept_because="")
        case CommandKind.REMOVE, CommandState.FAILED:
            mine.update(kept_because=command.error[:500])
        case CommandKind.RESTORE, CommandState.DONE:
            mine.update(removed_at=None, removal_asked_at=None)
    if said := _told(command):
        PodEvent.objects.create(pod=pod, kind=PodEvent.Kind.NOTE, step=command.kind, text=said)
    announce(pod.organization_id, "workspace", pod.key)


def _told(command: Command) -> str:
    result = command.result
    match command.kind, command.state:
        case CommandKind.COMMIT, CommandState.DONE:
            subject = str(command.payload.get("message", "")).strip().split("\n", 1)[0]
            return f"Committed {str(result.get('commit'))[:10]}: {subject}"[:500]
        case CommandKind.PUSH, CommandState.DONE:
            return f"Pushed {result.get('branch')} to {result.get('remote')}."[:500]
        case CommandKind.REMOVE, CommandState.DONE:
            return "The Workspace was removed. It can be had back for 14 days."
        case CommandKind.REMOVE, CommandState.FAILED:
            return f"The Workspace was not removed: {command.error}"[:500]
        case CommandKind.RESTORE, CommandState.DONE:
            return "The Workspace is back."
    return ""


# ----


def _ask(
    pod: Pod, by: Actor, kind: CommandKind, payload: dict[str, Any], within_s: float
) -> Command:
    _its(pod)
    _check_online(pod)
    assert pod.runner is not None  # noqa: S101 - checked just above
    with transaction.atomic():
        record(by, f"workspace.{kind}", pod.key)
        return queue_command(
            runner=pod.runner,
            kind=kind,
            payload={"pod": pod.key, **payload},
            pod=pod,
            deadline=_within(within_s),
        )


def _done(command: Command, within_s: float) -> dict[str, Any]:
    """Its result. Holds its thread until the Runner has answered, and no transaction."""
    wait_until_done(command, at_most_s=within_s)
    if command.state == CommandState.DONE:
        return dict(command.result)
    if command.error_code in _CONFLICTS:
        raise ConflictError(command.error_code, command.error, command=str(command.pk))
    if command.state in OPEN or command.state == CommandState.EXPIRED:
        raise RunnerOfflineError(
            "runner_silent", "The Runner has not done it yet. Look again.", command=str(command.pk)
        )
    raise CommandFailedError(
        command.error_code or f"command_{command.state}",
        command.error or f"The Runner could not do this: the Command is {command.state}.",
        command=str(command.pk),
    )


def _its(pod: Pod) -> Workspace:
    if pod.workspace is None or not pod.started_at:
        raise ConflictError("no_workspace", f"{pod.key} has no Workspace yet.")
    return pod.workspace


def _check_online(pod: Pod) -> None:
    if pod.runner is None:
        raise ConflictError("no_runner", f"{pod.key} has no Runner.")
    if not pod.runner.is_online:
        raise runner_offline(pod)


def _within(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)


def _token(pod: Pod) -> Secret | None:
    """What the repository's pushes are made with."""
    repository = pod.workspace.repository if pod.workspace else None
    if repository is None or repository.git_credentials_id is None:
        return None
    mine = Secret.objects.filter(credentials=repository.git_credentials_id)
    return mine.filter(part=Secret.Part.API_KEY).select_related("credentials").first()
