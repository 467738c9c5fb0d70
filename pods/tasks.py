"""Celery tasks. They carry ids, wake whoever acts, and nothing depends on their arrival."""

from celery import shared_task

from pods import wakeups


@shared_task(name="pods.wake", ignore_result=True)  # type: ignore[untyped-decorator]
def wake(runner_id: int) -> None:
    """Run in the Gateway that holds the Runner: the only consumer of the queue `runner.<id>`."""
    wakeups.wake(runner_id)
