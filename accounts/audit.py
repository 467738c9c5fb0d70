"""The record of who did what."""

from typing import Any

from accounts.actor import Actor
from accounts.models import AuditEvent


def record(actor: Actor, action: str, target: str = "", **detail: Any) -> None:
    """Call it inside the transaction of what it records. `detail` holds no secrets: it is shown."""
    AuditEvent.objects.create(
        organization_id=actor.organization_id,
        actor_kind=actor.kind,
        actor_id=str(actor.id),
        actor_name=actor.name[:150],
        action=action,
        target=target[:150],
        detail=detail,
    )
