from typing import Any

from django.apps import AppConfig
from django.http import HttpResponse
from django_structlog import signals
from structlog.contextvars import get_contextvars


class MeshConfig(AppConfig):
    name = "mesh"

    def ready(self) -> None:
        from mesh import checks  # noqa: F401 - registers them

        signals.bind_extra_request_finished_metadata.connect(_tell_request_id)


def _tell_request_id(response: HttpResponse, **_rest: Any) -> None:
    """Whoever reports a problem can say which lines of the logs are about it."""
    response["X-Request-ID"] = str(get_contextvars().get("request_id", ""))
