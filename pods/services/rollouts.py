"""An update of all Runners in turn: one at a time, stopped at the first failure or by somebody."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.access import system_actor
from accounts.actor import Actor
from accounts.audit import record
from accounts.models import Organization
from pods.access import check_manages_runners, runners_for
from pods.commands import CommandKind
from pods.errors import ConflictError, MeshError, NotVisibleError, RefusedError
from pods.models import Command, Rollout, Runner, UpdateAttempt
from pods.news import announce
from pods.services import updates
from pods.services.releases import fitting, newest
from pods.services.updates import Wish, release_for
from pods.updates import RolloutState, UpdateState, order


def rollouts_for(actor: Actor) -> QuerySet[Rollout]:
    """Who may see the Runners may see how they are updated."""
    runners_for(actor)
    mine = Rollout.objects.filter(organization_id=actor.organization_id)
    return mine.prefetch_related("attempts__runner")


def rollout_for(actor: Actor, rollout_id: int) -> Rollout:
    rollout = rollouts_for(actor).filter(pk=rollout_id).first()
    if rollout is None:
        raise NotVisibleError("no_such_rollout", f"There is no roll-out {rollout_id}.")
    return rollout


def start_rollout(*, organization: Organization, by: Actor, wish: Wish) -> Rollout:
    """Of all Runners of the Organization that have not this version yet; the least busy go first.

    Raises ConflictError, RefusedError.
    """
    check_manages_runners(by)
    version = wish.version or _newest_of_all(organization)
    behind = [runner for runner in _runners(organization) if _lacks(runner, version)]
    if not behind:
        raise ConflictError(
            "nothing_to_do", f"No Runner needs release {version}, or none can run it."
        )
    try:
        with transaction.atomic():
            rollout = Rollout.objects.create(
                organization=organization,
                version=version,
                mode=wish.mode,
                wait_s=wish.limit_s,
                after=wish.after,
                asked_by=by.name[:150],
            )
            UpdateAttempt.objects.bulk_create(_planned(rollout, runner) for runner in behind)
            record(by, "rollout.start", version, rollout=rollout.pk, runners=len(behind))
    except IntegrityError as error:
        raise ConflictError(
            "rollout_under_way", "A roll-out is under way: stop it first."
        ) from error
    go_on(rollout.pk)
    rollout.refresh_from_db()
    return rollout


def stop_rollout(rollout: Rollout, *, by: Actor) -> Rollout:
    """No further Runner is updated. The one under way goes on; call its update off by itself."""
    check_manages_runners(by)
    with transaction.atomic():
        if not rollout.end(RolloutState.STOPPED, f"Stopped by {by.name}."):
            raise ConflictError("rollout_over", "This roll-out has ended already.")
        _drop_planned(rollout.pk, "The roll-out was stopped.")
        record(by, "rollout.stop", rollout.version, rollout=rollout.pk)
    _tell(rollout)
    rollout.refresh_from_db()
    return rollout


def go_on(rollout_id: int) -> None:
    """Judge the last one and ask the next. Called at each end, and by beat for Runners that come back."""
    rollout = Rollout.objects.filter(pk=rollout_id, state=RolloutState.RUNNING).first()
    if rollout is None:
        return
    attempts = UpdateAttempt.objects.filter(rollout=rollout).select_related("runner")
    failed = attempts.filter(state__in=[UpdateState.FAILED, UpdateState.CANCELLED]).first()
    if failed:
        _end(rollout, RolloutState.FAILED, f"{failed.runner.name}: {failed.reason}")
        return
    if attempts.open().exists():
        return
    waiting = list(attempts.filter(state=UpdateState.PLANNED))
    if not waiting:
        _end(rollout, RolloutState.DONE, "")
    for attempt in waiting:
        if attempt.runner.is_online and _begin(attempt, rollout.pk):
            break
    _tell(rollout)


def command_over(command: Command) -> None:
    """A listener, after that of updates."""
    if command.kind != CommandKind.UPDATE:
        return
    attempt = UpdateAttempt.objects.filter(command=command).exclude(rollout=None).first()
    if attempt and attempt.rollout_id:
        go_on(attempt.rollout_id)


def go_on_with_all() -> None:
    for rollout_id in Rollout.objects.filter(state=RolloutState.RUNNING).values_list(
        "pk", flat=True
    ):
        go_on(rollout_id)


def _begin(attempt: UpdateAttempt, rollout_id: int) -> bool:
    """False when there is nothing to do for this one, or it is being updated by somebody."""
    mine = UpdateAttempt.objects.filter(pk=attempt.pk)
    try:
        release = release_for(attempt.runner, attempt.version)
    except ConflictError as settled:
        return not mine.advance(UpdateState.DONE, reason=settled.message)
    except MeshError as error:
        updates.finish(attempt, UpdateState.FAILED, error.message, error.code)
        go_on(rollout_id)
        return True
    try:
        with transaction.atomic():
            if not mine.advance(UpdateState.ASKED, was=attempt.runner.version):
                return True
            updates.send(attempt, release)
    except IntegrityError:
        return False  # somebody asked for an update of this one: its turn comes after that
    return True


def _end(rollout: Rollout, state: RolloutState, reason: str) -> None:
    with transaction.atomic():
        if not rollout.end(state, reason):
            return
        _drop_planned(rollout.pk, "The roll-out ended before its turn.")
        actor = system_actor(rollout.organization_id)
        record(actor, f"rollout.{state}", rollout.version, rollout=rollout.pk, reason=reason[:300])
    _tell(rollout)


def _drop_planned(rollout_id: int, reason: str) -> None:
    planned = UpdateAttempt.objects.filter(rollout_id=rollout_id, state=UpdateState.PLANNED)
    planned.advance(UpdateState.CANCELLED, reason=reason)


def _planned(rollout: Rollout, runner: Runner) -> UpdateAttempt:
    return UpdateAttempt(
        runner=runner,
        rollout=rollout,
        version=rollout.version,
        mode=rollout.mode,
        wait_s=rollout.wait_s,
        after=rollout.after,
        asked_by=rollout.asked_by,
        state=UpdateState.PLANNED,
    )


def _runners(organization: Organization) -> list[Runner]:
    return list(Runner.objects.usable().filter(organization=organization).order_by("name"))


def _newest_of_all(organization: Organization) -> str:
    releases = [release for runner in _runners(organization) if (release := newest(runner))]
    if not releases:
        raise RefusedError("no_release", "No release is published that a Runner of yours can run.")
    return max(releases, key=lambda release: order(release.version)).version


def _lacks(runner: Runner, version: str) -> bool:
    return fitting(runner).filter(version=version).exists() and order(runner.version) < order(
        version
    )


def _tell(rollout: Rollout) -> None:
    announce(rollout.organization_id, "runner", "")
