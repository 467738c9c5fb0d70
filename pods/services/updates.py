"""Updates of Runners: asked for, followed step by step, ended. Roll-outs over many are in rollouts.py."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import now

from accounts.access import system_actor
from accounts.actor import Actor
from accounts.audit import record
from pods.access import check_manages_runners
from pods.commands import CommandKind, CommandState
from pods.errors import ConflictError, RefusedError
from pods.messages import UpdateStep
from pods.models import Command, Release, Runner, UpdateAttempt
from pods.news import announce
from pods.services.commands import queue_command
from pods.services.releases import fitting, newest
from pods.services.sessions import Attachment
from pods.updates import OPEN, After, Mode, UpdateState, order, takes_no_pods

HANDOVER_WAIT_S = 120  # for Commands under way
DRAIN_WAIT_S = 24 * 3600  # for Pods to end
WAIT_MAX_S = 30 * 24 * 3600
STEPS_MAX = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """`version` empty: the newest. `wait_s` None: as usual for the mode. `after`: what is done when it is over."""

    version: str = ""
    mode: Mode = Mode.HANDOVER
    wait_s: int | None = None
    after: After = After.HANDOVER

    @property
    def limit_s(self) -> int:
        usual = DRAIN_WAIT_S if self.mode == Mode.DRAIN else HANDOVER_WAIT_S
        return usual if self.wait_s is None else min(self.wait_s, WAIT_MAX_S)


def ask_update(runner: Runner, *, by: Actor, wish: Wish) -> UpdateAttempt:
    """A Runner that is away is updated when it is back. Raises ConflictError, RefusedError."""
    check_manages_runners(by)
    return _ask(runner, by=by, wish=wish)


def ask_for_itself(runner_id: int, wish: Wish) -> UpdateAttempt:
    """Asked for by somebody at the machine, through its own connection. Raises ConflictError, RefusedError."""
    runner = Runner.objects.get(pk=runner_id)
    return _ask(runner, by=system_actor(runner.organization_id), wish=wish)


def cancel_update(runner: Runner, *, by: Actor) -> UpdateAttempt:
    """Call off what its Runner was not told yet, or waits with. Raises ConflictError."""
    check_manages_runners(by)
    attempt = UpdateAttempt.objects.open().filter(runner=runner).select_related("command").first()
    if attempt is None:
        raise ConflictError("no_update", f"{runner.name} is not being updated.")
    with transaction.atomic():
        record(by, "runner.update.cancel", runner.name, runner=runner.pk, version=attempt.version)
        queued = Command.objects.filter(update_attempt=attempt, state=CommandState.QUEUED)
        if queued.advance(CommandState.CANCELLED, done_at=now()):
            finish(attempt, UpdateState.CANCELLED, "Called off before its Runner was told.")
        else:
            payload = {"cancel": True, "version": attempt.version}
            queue_command(runner=runner, kind=CommandKind.UPDATE, payload=payload)
    attempt.refresh_from_db()
    return attempt


# ---- asking


def release_for(runner: Runner, version: str) -> Release:
    """Raises RefusedError, ConflictError for a Runner that need or must not be given it."""
    if not runner.platform:
        raise RefusedError(
            "no_updates",
            f"{runner.name} is of before updates, or was never here: update it by hand.",
        )
    release = fitting(runner).filter(version=version).first() if version else newest(runner)
    if release is None:
        wanted = f"release {version}" if version else "release"
        raise RefusedError(
            "no_release",
            f"There is no {wanted} for {runner.name} ({runner.platform}, Python {runner.python}).",
        )
    if order(release.version) == order(runner.version):
        raise ConflictError("same_version", f"{runner.name} runs {release.version} already.")
    if order(release.version) < order(runner.version):
        raise ConflictError(
            "downgrade",
            f"{runner.name} runs {runner.version}, which is newer: Runners take no older release. To go back,"
            " publish the older code under a newer version.",
        )
    return release


def _ask(runner: Runner, *, by: Actor, wish: Wish) -> UpdateAttempt:
    release = release_for(runner, wish.version)
    try:
        with transaction.atomic():
            attempt = UpdateAttempt.objects.create(
                runner=runner,
                version=release.version,
                was=runner.version,
                mode=wish.mode,
                wait_s=wish.limit_s,
                after=wish.after,
                asked_by=by.name[:150],
            )
            record(
                by,
                "runner.update",
                runner.name,
                runner=runner.pk,
                version=release.version,
                mode=wish.mode,
            )
            send(attempt, release)
    except IntegrityError as error:
        raise ConflictError(
            "update_under_way", f"{runner.name} is being updated already."
        ) from error
    return attempt


def send(attempt: UpdateAttempt, release: Release) -> None:
    """Queue the Command; in a transaction, last."""
    payload = {
        "version": release.version,
        "manifest": release.manifest,
        "signature": release.signature,
        "mode": attempt.mode,
        "wait_s": attempt.wait_s,
        "after": attempt.after,
    }
    _mark(attempt.runner, is_closed=takes_no_pods(attempt.mode, ""))
    command = queue_command(runner=attempt.runner, kind=CommandKind.UPDATE, payload=payload)
    UpdateAttempt.objects.filter(pk=attempt.pk).update(command=command, created_at=now())
    _tell(attempt.runner)


# ---- following


def step(session: Attachment, claim: UpdateStep) -> bool:
    """False for an update that is not this Runner's."""
    attempt = _attempt(Q(command_id=claim.command_id, runner_id=session.runner_id))
    if attempt is None:
        return False
    if attempt.state in OPEN:
        told = {"step": claim.step, "at_ms": claim.at_ms, "text": claim.text}
        steps = attempt.steps[:STEPS_MAX]
        if attempt.step == claim.step:
            steps[-1] = told | {"at_ms": steps[-1]["at_ms"]}
        else:
            steps.append(told)
        mine = UpdateAttempt.objects.filter(pk=attempt.pk)
        mine.advance(UpdateState.WORKING)
        mine.update(steps=steps)
        _mark(attempt.runner, is_closed=takes_no_pods(attempt.mode, claim.step))
        _tell(attempt.runner)
    return True


def command_over(command: Command) -> None:
    """A listener: what the Runner made of it."""
    attempt = _attempt(Q(command=command)) if command.kind == CommandKind.UPDATE else None
    if attempt is None or attempt.state not in OPEN:
        return
    steps = _steps(command.result)
    if steps:
        UpdateAttempt.objects.filter(pk=attempt.pk).update(steps=steps)
    if command.state == CommandState.DONE:
        finish(attempt, UpdateState.DONE, "")
    else:
        to = UpdateState.CANCELLED if command.error_code == "cancelled" else UpdateState.FAILED
        finish(attempt, to, command.error or f"Its Command is {command.state}.", command.error_code)


def finish(attempt: UpdateAttempt, to: UpdateState, reason: str, code: str = "") -> None:
    mine = UpdateAttempt.objects.filter(pk=attempt.pk)
    if not mine.advance(to, reason=reason[:1000], error_code=code[:40]):
        return
    _mark(attempt.runner, is_closed=False)
    actor = system_actor(attempt.runner.organization_id)
    detail = {"version": attempt.version, "reason": reason[:300]}
    record(actor, f"runner.update.{to}", attempt.runner.name, runner=attempt.runner_id, **detail)
    _tell(attempt.runner)


def _attempt(which: Q) -> UpdateAttempt | None:
    return UpdateAttempt.objects.filter(which).select_related("runner").first()


def _steps(result: dict[str, Any]) -> list[dict[str, Any]]:
    """As the Runner says, if they have the form of steps."""
    said = result.get("steps")
    if not isinstance(said, list):
        return []
    return [
        {
            "step": str(one.get("step", ""))[:20],
            "at_ms": one.get("at_ms"),
            "text": str(one.get("text", ""))[:200],
        }
        for one in said[:STEPS_MAX]
        if isinstance(one, dict) and isinstance(one.get("at_ms"), int)
    ]


def _mark(runner: Runner, *, is_closed: bool) -> None:
    since = (runner.updating_since or now()) if is_closed else None
    Runner.objects.filter(pk=runner.pk).update(updating_since=since)


def _tell(runner: Runner) -> None:
    announce(runner.organization_id, "runner", str(runner.pk))
