"""Letting go of what is old, in batches small enough to hold nobody up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from accounts.models import AuditEvent, Invitation, LoginLink
from pods.commands import OPEN
from pods.models import Command, EnrollmentToken, IdempotentAnswer
from pods.services.archive import remove_left_behind

BATCH = 500
COMMANDS_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(hours=24)
AUDIT_KEPT = timedelta(days=365)
USED_LINKS_KEPT = timedelta(days=7)
USED_ENROLLMENT_TOKENS_KEPT = timedelta(days=30)


def prune_commands() -> int:
    """Those that are over. Open ones stay, however old."""
    old = now() - COMMANDS_KEPT
    return _delete(Command.objects.exclude(state__in=OPEN).filter(created_at__lt=old))


def prune_answers() -> int:
    return _delete(IdempotentAnswer.objects.filter(created_at__lt=now() - ANSWERS_KEPT))


def prune_audit() -> int:
    return _delete(AuditEvent.objects.filter(at__lt=now() - AUDIT_KEPT))


def prune_logins() -> int:
    """Login links and invitations that are used or too old, and logins that have ended."""
    old = Q(expires_at__lt=now() - USED_LINKS_KEPT)
    return (
        _delete(LoginLink.objects.filter(old))
        + _delete(Invitation.objects.filter(old))
        + _delete(Session.objects.filter(expire_date__lt=now()))
    )


def prune_enrollment_tokens() -> int:
    old = now() - USED_ENROLLMENT_TOKENS_KEPT
    return _delete(EnrollmentToken.objects.filter(expires_at__lt=old))


PRUNERS: tuple[Callable[[], int], ...] = (
    prune_commands,
    prune_answers,
    prune_audit,
    prune_logins,
    prune_enrollment_tokens,
    remove_left_behind,
)


def _delete(rows: QuerySet[Any]) -> int:
    deleted = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.filter(pk__in=batch).delete()[0]
    return deleted
