"""Gateways as rows: web finds them by these, and claims of dead ones are cleared."""

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from pods.models import Gateway
from pods.services.sessions import release_all

LOOKS_EVERY_S = 0.2


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


def one_lives(dead_after_s: float) -> bool:
    """Whether a Gateway refreshes its row: waits until it has, or all rows are those of dead ones."""
    begun = now()
    while True:
        rows = Gateway.objects.filter(seen_at__gt=now() - timedelta(seconds=dead_after_s))
        if not rows.exists():
            return False
        if rows.filter(seen_at__gt=begun).exists():
            return True
        time.sleep(LOOKS_EVERY_S)


def close_gateway(gateway_id: str) -> None:
    with transaction.atomic():
        release_all([gateway_id])
        Gateway.objects.filter(pk=gateway_id).delete()
