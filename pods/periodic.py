"""What Celery's beat calls, as mesh/celery.py says when. All of it may be late, early or doubled without harm."""

import logging

from celery import shared_task

from pods.services import schedules
from pods.services.bindings import expire_unanswered, release_those_of_ended
from pods.services.lost import lose_of_silent_runners
from pods.services.placing import place_pending
from pods.services.retention import PRUNERS
from pods.services.rollouts import go_on_with_all

logger = logging.getLogger(__name__)


@shared_task(name="pods.note_schedules", ignore_result=True)  # type: ignore[untyped-decorator]
def note_schedules() -> None:
    """For the doctor: beat sent this, and a worker does it."""
    schedules.note()


@shared_task(name="pods.prune", ignore_result=True)  # type: ignore[untyped-decorator]
def prune() -> None:
    for pruner in PRUNERS:
        if deleted := pruner():
            logger.info("%s: %s rows", pruner.__name__, deleted)


@shared_task(name="pods.place_pending", ignore_result=True)  # type: ignore[untyped-decorator]
def place_waiting() -> None:
    place_pending()


@shared_task(name="pods.roll_out", ignore_result=True)  # type: ignore[untyped-decorator]
def roll_out() -> None:
    """Runners that were away when their turn came."""
    go_on_with_all()


@shared_task(name="pods.end_bindings", ignore_result=True)  # type: ignore[untyped-decorator]
def end_bindings() -> None:
    expire_unanswered()
    release_those_of_ended()


@shared_task(name="pods.lose_of_silent", ignore_result=True)  # type: ignore[untyped-decorator]
def lose_of_silent() -> None:
    lose_of_silent_runners()
