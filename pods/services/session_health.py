"""How the Session of a Runner is: since when, where, how far away, and what it owes."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from pods.commands import CommandState
from pods.models import Command, Runner
from pods.models.runner import RunnerQuerySet

CLOCK_IS_OFF_MS = 30_000


@dataclass(frozen=True, slots=True)
class SessionHealth:
    """`clock_offset_ms`: how far the Runner's clock is ahead of ours. Bytes are those of terminals looked at."""

    since: datetime | None
    heard_at: datetime | None
    epoch: int
    gateway: str
    round_trip_ms: float | None
    clock_offset_ms: float | None
    clock_is_off: bool
    unacknowledged_bytes: int
    unacknowledged_commands: int  # sent, and not in the Runner's ledger yet
    waiting_commands: int  # not sent yet


def with_open_commands(runners: RunnerQuerySet) -> RunnerQuerySet:
    """With `sent_commands` and `queued_commands`, in the same query."""
    return runners.annotate(
        sent_commands=_count(CommandState.SENT), queued_commands=_count(CommandState.QUEUED)
    )


def health_of(runner: Runner) -> SessionHealth | None:
    """Of a Runner that is online; None: it has no Session. Asks for the Commands if `runner` came without."""
    if not runner.is_online:
        return None
    if not hasattr(runner, "sent_commands"):
        runner = with_open_commands(Runner.objects.filter(pk=runner.pk)).get()
    offset = runner.clock_offset_ms
    return SessionHealth(
        since=runner.attached_at,
        heard_at=runner.seen_at,
        epoch=runner.epoch,
        gateway=runner.gateway,
        round_trip_ms=runner.round_trip_ms,
        clock_offset_ms=offset,
        clock_is_off=offset is not None and abs(offset) > CLOCK_IS_OFF_MS,
        unacknowledged_bytes=runner.unacknowledged_bytes,
        unacknowledged_commands=runner.sent_commands,  # type: ignore[attr-defined] # annotated
        waiting_commands=runner.queued_commands,  # type: ignore[attr-defined]
    )


def _count(state: CommandState) -> Coalesce:
    mine: QuerySet[Command] = Command.objects.filter(runner=OuterRef("pk"), state=state)
    counted = mine.order_by().values("runner").annotate(many=Count("pk")).values("many")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))
