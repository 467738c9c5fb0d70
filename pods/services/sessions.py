"""A Runner's live Session as a row: which Gateway has it, under which epoch. The newest wins."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.db import transaction
from django.db.models import F, Q
from django.utils.timezone import now

from pods.commands import CommandState
from pods.errors import MeshError
from pods.messages import PROTOCOL_HIGHEST, RunnerHello
from pods.models import Certificate, Command, Gateway, Runner
from pods.models.runner import RunnerQuerySet
from pods.news import announce

EXPIRED = "The certificate of this connection has expired. Dial again with the renewed one."


PAST_LOST_EPOCHS = 1_000_000  # more than any Runner had Sessions since a backup
YOUNGER_THAN_A_HELLO = timedelta(seconds=60)
"""A Runner that renews its Session writes its hello while the old one still lives: of what was done in
these last moments the hello need not know, and its silence proves nothing."""


class StaleEpochError(Exception):
    """A newer Session of this Runner exists: whoever holds the older one must not write."""


class RunnerRefusedError(MeshError):
    """This Runner is not to be connected; `reason` is the word of the Goodbye."""

    def __init__(self, reason: Literal["revoked", "disabled", "expired"], message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Attachment:
    """A Session as the rows know it. `inventory` are the Pods the Runner named in its hello."""

    runner_id: int
    epoch: int
    organization_id: int = 0
    name: str = ""
    inventory: frozenset[str] = frozenset()


def attach(runner_id: int, *, gateway_id: str, hello: RunnerHello) -> Attachment:
    """Open a Session: raise the epoch, and put back what the last Session sent without an ack.

    Raises RunnerRefusedError.
    """
    while True:
        runner = Runner.objects.filter(pk=runner_id).first()
        if runner is None:
            raise RunnerRefusedError("revoked", "There is no such Runner.")
        refuse_unusable(runner)
        with transaction.atomic():
            mine = Runner.objects.usable().filter(pk=runner_id, epoch=runner.epoch)
            if not mine.update(
                epoch=runner.epoch + 1,
                gateway=gateway_id,
                attached_at=now(),
                seen_at=now(),
                round_trip_ms=None,
                clock_offset_ms=None,
                unacknowledged_bytes=0,
                **_described(hello),
            ):
                continue  # another Session, or a change of standing, was faster
            sent = Command.objects.filter(runner=runner, state=CommandState.SENT)
            sent.advance(CommandState.QUEUED)
            announce(runner.organization_id, "runner", str(runner.pk), "online")
        return Attachment(
            runner_id=runner.pk,
            epoch=runner.epoch + 1,
            organization_id=runner.organization_id,
            name=runner.name,
            inventory=frozenset(report.pod for report in hello.pods),
        )


def detach(session: Attachment) -> None:
    """Give up this Session's claim; a newer one stays."""
    with transaction.atomic():
        if _held_by(session).exclude(gateway="").update(gateway="", detached_at=now()):
            announce(session.organization_id, "runner", str(session.runner_id), "offline")


def heard(
    session: Attachment,
    *,
    round_trip_ms: float | None,
    clock_offset_ms: float | None,
    unacknowledged_bytes: int = 0,
) -> None:
    """Raises StaleEpochError, RunnerRefusedError."""
    learnt = {
        "round_trip_ms": round_trip_ms,
        "clock_offset_ms": clock_offset_ms,
        "unacknowledged_bytes": unacknowledged_bytes,
    }
    if not _held_by(session).update(seen_at=now(), **learnt):
        raise _why_not_held(session)


def fence(session: Attachment) -> None:
    """Keep an attach waiting until this transaction ends, or raise StaleEpochError or RunnerRefusedError.

    Call it last in a transaction, like `queue_command`: rows are locked Pod, Command, Runner, in this order.
    """
    if not _held_by(session).update(seen_at=now()):
        raise _why_not_held(session)


def _why_not_held(session: Attachment) -> Exception:
    if Runner.objects.filter(pk=session.runner_id).exists():
        return StaleEpochError()
    return RunnerRefusedError("revoked", "This Runner was removed. Enroll it again.")


def refuse_unusable(runner: Runner) -> None:
    """Raises RunnerRefusedError for a Runner that is disabled or retired."""
    if runner.retired_at:
        raise RunnerRefusedError("revoked", f"Runner {runner.name} was retired. Enroll it again.")
    if runner.disabled_at:
        raise RunnerRefusedError("disabled", f"Runner {runner.name} is disabled.")


def check_certificate(runner_id: int, serial: str) -> None:
    """Whether this certificate may speak for this Runner now. Raises RunnerRefusedError."""
    runner = Runner.objects.filter(pk=runner_id).first()
    if runner is None:
        raise RunnerRefusedError("revoked", "There is no such Runner.")
    refuse_unusable(runner)
    certificate = Certificate.objects.filter(runner=runner, serial=serial).first()
    if certificate is None or certificate.revoked_at:
        raise RunnerRefusedError("revoked", f"The certificate of Runner {runner.name} is revoked.")
    if certificate.not_after <= now():
        raise RunnerRefusedError("expired", EXPIRED)


def release_all(gateway_ids: Collection[str]) -> int:
    """Clear the claims of Gateways that are gone; how many Runners that were."""
    held = Runner.objects.filter(gateway__in=gateway_ids)
    with transaction.atomic():
        for organization_id, pk in held.values_list("organization_id", "pk"):
            announce(organization_id, "runner", str(pk), "offline")
        return held.update(gateway="", detached_at=now())


def begin_anew() -> int:
    """After an older database was put back: no Session lives, and no epoch comes twice. How many Runners there are."""
    with transaction.atomic():
        Gateway.objects.all().delete()
        Runner.objects.exclude(gateway="").update(gateway="", detached_at=now())
        return Runner.objects.update(epoch=F("epoch") + PAST_LOST_EPOCHS, restored_at=now())


def known_to(session: Attachment, when: str) -> Q:
    """Rows whose `when` is so long ago that the hello of this Session must know of them.

    Raises StaleEpochError, RunnerRefusedError.
    """
    held = _held_by(session).first()
    if held is None:
        raise _why_not_held(session)
    restored_at = held.restored_at
    old = Q(**{f"{when}__lt": now() - YOUNGER_THAN_A_HELLO})
    return old | Q(**{f"{when}__lt": restored_at}) if restored_at else old


def _held_by(session: Attachment) -> RunnerQuerySet:
    return Runner.objects.filter(pk=session.runner_id, epoch=session.epoch)


def _described(hello: RunnerHello) -> dict[str, object]:
    """What a Runner says of its machine, as columns."""
    return {
        "version": hello.version,
        "boot_id": hello.boot_id,
        "hostname": hello.hostname,
        "os": hello.os,
        "labels": hello.labels,
        "capacity": hello.capacity,
        "agents": list(hello.agents),
        "isolation": hello.isolation,
        "mcp_port": hello.mcp_port,
        "protocol": min(hello.speaks[1], PROTOCOL_HIGHEST),
        "platform": hello.platform,
        "python": hello.python,
    }
