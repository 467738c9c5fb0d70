"""What Celery's beat calls, as mesh/celery.py says when."""

from celery import shared_task

from channels_app.services.delivery import deliver_waiting


@shared_task(name="channels.deliver_waiting", ignore_result=True)  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Mentions of Pods that began to run while nobody was there to hear of it."""
    deliver_waiting()
