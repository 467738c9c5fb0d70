"""Gateways as rows: web finds them by these, and claims of dead ones are cleared."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from pods.models import Gateway
from pods.services.sessions import release_all


def open_gateway(gateway_id: str, address: str) -> None:
    """A Gateway that has just started holds no Runner, whatever the rows still say."""
    with transaction.atomic():
        release_all([gateway_id])
        fresh = {"address": address, "started_at": now(), "seen_at": now()}
        Gateway.objects.update_or_create(id=gateway_id, defaults=fresh)


def refresh(gateway_id: str, address: str, measured: list[dict[str, Any]]) -> None:
    fresh = {"address": address, "seen_at": now(), "measured": measured}
    Gateway.objects.update_or_create(id=gateway_id, defaults=fresh)


def bury_dead(dead_after_s: float) -> int:
    """Forget Gateways that were not refreshed for so long; their Runners are offline. How many there were."""
    with transaction.atomic():
        dead = Gateway.objects.filter(seen_at__lt=now() - timedelta(seconds=dead_after_s))
        ids = list(dead.values_list("pk", flat=True))
        if ids:
            release_all(ids)
            dead.filter(pk__in=ids).delete()
    return len(ids)


def close_gateway(gateway_id: str) -> None:
    with transaction.atomic():
        release_all([gateway_id])
        Gateway.objects.filter(pk=gateway_id).delete()
