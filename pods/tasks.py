"""Celery tasks. They carry ids, wake whoever acts, and nothing depends on their arrival."""

import logging

from celery import shared_task
from structlog.contextvars import bound_contextvars

from pods import wakeups

logger = logging.getLogger(__name__)


@shared_task(name="pods.wake", ignore_result=True, acks_late=True)  # type: ignore[untyped-decorator]
def wake(runner_id: int, trace: str = "") -> None:
    """Run in the Gateway that holds the Runner: the only consumer of the queue `runner.<id>`.

    `trace` is the request that queued the newest Command. Acknowledged afterwards: a word to Redis takes as long as this.
    """
    with bound_contextvars(request_id=trace):
        logger.info("woken for Runner %s", runner_id)
        wakeups.wake(runner_id)
