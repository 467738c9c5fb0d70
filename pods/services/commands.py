"""Asking something of a Runner: a row, then a wake-up that may get lost."""

import logging
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import Any

from celery.exceptions import CeleryError
from django.db import transaction
from django.db.models import F
from django.utils.timezone import now
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from structlog.contextvars import get_contextvars

from pods import tasks
from pods.aside import Aside
from pods.commands import CommandKind, CommandState
from pods.models import Command, Pod, Runner

logger = logging.getLogger(__name__)

TRACE_MAX = 64
WAKE_UP_EXPIRES_S = 60  # by then the gateway's own sweep has long found the Command
BROKER_ERRORS = (CeleryError, KombuError, RedisError, OSError)


def queue_command(
    *,
    runner: Runner,
    kind: CommandKind,
    payload: dict[str, Any],
    pod: Pod | None = None,
    deadline: datetime | None = None,
    trace: str = "",
) -> Command:
    """The Command as a row; on commit its Runner's sender is woken. `trace`: of what it follows from, if not of this call.

    Call it last in a transaction: it holds the Runner's row until the commit.
    """
    with transaction.atomic(savepoint=False):
        Runner.objects.filter(pk=runner.pk).update(next_seq=F("next_seq") + 1)
        seq, gateway = Runner.objects.values_list("next_seq", "gateway").get(pk=runner.pk)
        command = Command.objects.create(
            runner=runner,
            seq=seq,
            pod=pod,
            kind=kind,
            payload=payload,
            deadline=deadline,
            trace=trace or trace_here(),
        )
        if gateway:  # messages of a queue that nobody consumes would stay
            transaction.on_commit(partial(wake, runner.pk, command.trace), robust=True)
    logger.info("queued %s: %s for Runner %s", command.pk, _about(command), runner.pk)
    return command


def trace_here() -> str:
    """The id of the request, or call of a tool, that is being served."""
    return str(get_contextvars().get("request_id", ""))[:TRACE_MAX]


def _about(command: Command) -> str:
    return f"{command.kind} of Pod {command.pod.key}" if command.pod else command.kind


def wake(runner_id: int, trace: str = "") -> None:
    """Tell the gateway that holds this Runner to look at its Commands. Never waits for the broker, nor raises.

    Of wake-ups that are merged into one, the last `trace` is told.
    """
    _waker.put(runner_id, trace)


def _wake(runner_id: int, trace: str) -> None:
    try:
        tasks.wake.apply_async(
            args=[runner_id],
            kwargs={"trace": trace} if trace else {},
            queue=f"runner.{runner_id}",
            expires=WAKE_UP_EXPIRES_S,
            ignore_result=True,
        )
    except BROKER_ERRORS as error:
        logger.warning(
            "wake-up for Runner %s not sent, its sweep will find it: %s", runner_id, error
        )


_waker = Aside("wake-ups", lambda: nullcontext(_wake))


def cancel_queued(pod: Pod, kind: CommandKind) -> int:
    """Cancel what this Pod's Runner has not been sent yet; how many Commands that were."""
    queued = Command.objects.filter(pod=pod, kind=kind, state=CommandState.QUEUED)
    return queued.advance(CommandState.CANCELLED, done_at=now())
