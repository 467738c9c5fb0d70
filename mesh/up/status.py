"""What runs now."""

from typing import Any

from django.conf import settings
from django.db import OperationalError

from mesh.up.supervisor import Supervisor
from pods.models import Pod


def status() -> dict[str, Any]:
    supervisor = Supervisor(settings.HOME)
    services = supervisor.processes() if supervisor.answers() else []
    try:
        running = Pod.objects.live().count()
    except OperationalError:  # no database yet
        running = 0
    return {"services": services, "pods": {"running": running}}
