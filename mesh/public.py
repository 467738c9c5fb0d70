"""What is answered to anybody: how to enroll, and whether this installation is well."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from pods import quick_redis
from pods.models import Gateway
from pods.services.authority import authority

logger = logging.getLogger(__name__)

GATEWAY_SILENT_AFTER = timedelta(seconds=20)
DISK_LEFT = 1 << 20  # bytes; with fewer nothing can be written


@require_safe
def well_known(_request: HttpRequest) -> HttpResponse:
    """What a machine needs to enroll; it believes the CA only if its token ends in the CA's hash."""
    return JsonResponse(
        {
            "ca_pem": authority().ca_pem.decode(),
            "enroll": settings.ENROLL_ADDRESS,
            "gateways": settings.GATEWAY_ADDRESSES,
        }
    )


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"ok": True})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 while the database answers; what else is away is named, for without it Mesh only does less."""
    parts = {name: check() for name, check in _CHECKS.items()}
    ready = parts["database"] == "ok"
    degraded = sorted(name for name, state in parts.items() if state != "ok")
    return JsonResponse(
        {"ready": ready, "degraded": degraded, **parts}, status=200 if ready else 503
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("database: %s", error)
        return "away"
    return "ok"


def _redis() -> str:
    try:
        quick_redis.client(settings.REDIS_URL).ping()
    except quick_redis.AWAY as error:
        logger.warning("redis: %s", error)
        return "away"
    return "ok"


def _gateway() -> str:
    try:
        seen = Gateway.objects.filter(seen_at__gt=now() - GATEWAY_SILENT_AFTER).exists()
    except DatabaseError:
        return "unknown"
    return "ok" if seen else "away"


def _disk() -> str:
    found = os.statvfs(settings.HOME.root)
    return "ok" if found.f_bavail * found.f_frsize > DISK_LEFT else "full"


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "disk": _disk,
    "redis": _redis,
    "gateway": _gateway,
}
