"""The Celery app. Lifecycle wake-ups go to `runner.<id>`, which only the gateway with that Session consumes."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mesh.settings")

app = Celery("mesh")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="periodic")
app.conf.beat_schedule = {
    "alive": {"task": "pods.note_schedules", "schedule": 10.0, "options": {"expires": 9}},
    "prune": {"task": "pods.prune", "schedule": 3600.0, "options": {"expires": 3000}},
    # Attach and each Pod's end place at once; this finds what fell between them.
    "place": {"task": "pods.place_pending", "schedule": 15.0, "options": {"expires": 10}},
    "rollouts": {"task": "pods.roll_out", "schedule": 10.0, "options": {"expires": 9}},
    "silent": {"task": "pods.lose_of_silent", "schedule": 60.0, "options": {"expires": 50}},
    "bindings": {"task": "pods.end_bindings", "schedule": 60.0, "options": {"expires": 50}},
    "mentions": {
        "task": "channels.deliver_waiting",
        "schedule": 15.0,
        "options": {"expires": 10},
    },
}


@setup_logging.connect  # type: ignore[untyped-decorator]
def _keep_django_logging(**_kwargs: Any) -> None:
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


if os.environ.get("MESH_GATEWAY_NAME"):
    from pods.gateway.bootstep import install

    install(app)
