"""Running one command line beside a Pod's agent, for a caller who waits."""

import time
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts.actor import Actor
from accounts.audit import record
from pods.commands import OPEN, CommandKind, CommandState
from pods.errors import CommandFailedError, ConflictError, RefusedError, RunnerOfflineError
from pods.lifecycle import PodState
from pods.models import Command, Pod
from pods.services import inputs
from pods.services.commands import queue_command

TIMEOUT_DEFAULT_S = 60.0
TIMEOUT_MAX_S = 600.0
LOOK_FIRST_S, LOOK_MAX_S = 0.01, 0.25  # between two looks at the row; most answers take 20 ms


def execute(pod: Pod, *, by: Actor, argv: Sequence[str], timeout_s: float) -> Command:
    """The Command, queued. It is not begun after `timeout_s` from now: nobody waits for it any more.

    Raises ConflictError if the Pod does not run, RunnerOfflineError if its Runner is away.
    """
    inputs.check_argv(argv)
    if not 0 < timeout_s <= TIMEOUT_MAX_S:
        raise RefusedError(
            "bad_timeout", f"timeout_s is at most {TIMEOUT_MAX_S:.0f} seconds.", field="timeout_s"
        )
    if pod.state != PodState.RUNNING or pod.runner is None:
        raise ConflictError("pod_not_running", f"{pod.key} is {pod.state}: nothing can run in it.")
    if not pod.runner.is_online:
        raise runner_offline(pod)
    with transaction.atomic():
        record(by, "pod.execute", pod.key, argv=[part[:200] for part in argv[:10]])
        return queue_command(
            runner=pod.runner,
            kind=CommandKind.EXECUTE,
            payload={"pod": pod.key, "argv": list(argv), "timeout_s": timeout_s},
            pod=pod,
            deadline=now() + timedelta(seconds=timeout_s),
        )


def wait_until_done(command: Command, *, at_most_s: float) -> Command:
    """The Command as it is when it is over, or after `at_most_s` seconds. Holds its thread, and no transaction.

    One that was not even sent by its deadline is expired, so that it never runs for a caller who has gone.
    """
    until = time.monotonic() + at_most_s
    pause = LOOK_FIRST_S
    while command.state in OPEN and (left := until - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.3, LOOK_MAX_S)
        command.refresh_from_db()
    expire_unsent(command)
    return command


def expire_unsent(command: Command) -> None:
    """Of this and the Gateway that takes it now, one wins."""
    late = Command.objects.filter(pk=command.pk, state=CommandState.QUEUED, deadline__lte=now())
    if late.advance(CommandState.EXPIRED, done_at=now()):
        command.refresh_from_db()


def outcome(command: Command) -> dict[str, object]:
    """What the command line did: {exit_code, stdout, stderr, truncated, duration_ms}.

    Raises CommandFailedError if it could not be run, or nobody knows.
    """
    if command.state == CommandState.DONE:
        return dict(command.result)
    raise CommandFailedError(
        command.error_code or f"command_{command.state}",
        command.error or f"The Runner could not do this: the Command is {command.state}.",
        command=str(command.pk),
    )


def runner_offline(pod: Pod) -> RunnerOfflineError:
    """The error for a Pod whose Runner is away, saying since when."""
    runner = pod.runner
    since = runner and (runner.detached_at or runner.seen_at)
    name = runner.name if runner else "of this Pod"
    return RunnerOfflineError(
        "runner_offline",
        f"Runner {name} is offline. What runs on it goes on; ask again when it is back.",
        since=since.isoformat() if since else None,
    )
