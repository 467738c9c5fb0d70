"""Machines that run Pods: letting them in, resting them, sending them away."""

import logging
import secrets
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from accounts.access import digest
from accounts.actor import Actor
from accounts.audit import record
from accounts.models import Organization
from pods.access import check_manages_runners
from pods.errors import ConflictError
from pods.lifecycle import LIVE, PodState
from pods.models import Certificate, EnrollmentToken, Pod, Runner
from pods.news import announce
from pods.services.authority import authority
from pods.services.commands import BROKER_ERRORS
from pods.services.placing import place_pending, unplace

logger = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(hours=24)


def create_enrollment_token(
    *, organization: Organization, by: Actor
) -> tuple[EnrollmentToken, str]:
    """The token and its secret, which ends in the CA's hash, is shown once and not kept."""
    check_manages_runners(by)
    secret = f"{secrets.token_urlsafe(32)}.{authority().ca_hash}"
    with transaction.atomic():
        token = EnrollmentToken.objects.create(
            organization=organization,
            digest=digest(secret),
            created_by_id=by.user_id,
            expires_at=now() + TOKEN_LIFE,
        )
        record(by, "runner.token", str(token.pk))
    return token, secret


def enrollment_line(secret: str) -> str:
    """One line to paste on the machine that is to become a Runner."""
    return f"mesh-runner enroll --server {settings.PUBLIC_URL} --token {secret} && mesh-runner run"


def drain_runner(runner: Runner, *, by: Actor) -> Runner:
    """It takes no new Pods; those it has go on. Pods it was not sent yet go elsewhere."""
    _mark(runner, by, "runner.drain", draining_since=runner.draining_since or now())
    _send_waiting_elsewhere(runner)
    return runner


def resume_runner(runner: Runner, *, by: Actor) -> Runner:
    _mark(runner, by, "runner.resume", draining_since=None)
    place_pending(organization_id=runner.organization_id)
    return runner


def disable_runner(runner: Runner, *, by: Actor) -> Runner:
    """Its Session is closed within 5 s and it may not come back until it is enabled. Its Pods go on."""
    _mark(runner, by, "runner.disable", disabled_at=runner.disabled_at or now())
    _send_waiting_elsewhere(runner)
    return runner


def enable_runner(runner: Runner, *, by: Actor) -> Runner:
    _mark(runner, by, "runner.enable", disabled_at=None)
    return runner


def lend_login(runner: Runner, *, by: Actor, lent: bool) -> Runner:
    """Whether Pods there may use the logins its own user has with model providers. Pods that run keep what they have."""
    _mark(runner, by, "runner.lend_login" if lent else "runner.keep_login", lends_login=lent)
    place_pending(organization_id=runner.organization_id)
    return runner


def revoke_runner(runner: Runner, *, by: Actor) -> Runner:
    """Its certificates are void for good; it must enroll again. Its Pods go on, unseen."""
    with transaction.atomic():
        Certificate.objects.filter(runner=runner, revoked_at=None).update(revoked_at=now())
        _mark(runner, by, "runner.revoke")
    _send_waiting_elsewhere(runner)
    return runner


def retire_runner(runner: Runner, *, by: Actor) -> Runner:
    """The machine is gone for good. Raises ConflictError while it has Pods that are not lost."""
    if Pod.objects.filter(runner=runner, state__in=LIVE).exists():
        raise ConflictError(
            "runner_has_pods", f"{runner.name} still has Pods: terminate them first."
        )
    with transaction.atomic():
        Certificate.objects.filter(runner=runner, revoked_at=None).update(revoked_at=now())
        _mark(runner, by, "runner.retire", retired_at=runner.retired_at or now())
    _send_waiting_elsewhere(runner)
    _delete_queue(runner)
    return runner


def _mark(runner: Runner, by: Actor, action: str, **changes: object) -> None:
    check_manages_runners(by)
    with transaction.atomic():
        if changes:
            Runner.objects.filter(pk=runner.pk).update(**changes)
        record(by, action, runner.name, runner=runner.pk)
    runner.refresh_from_db()
    announce(runner.organization_id, "runner", str(runner.pk))


def _send_waiting_elsewhere(runner: Runner) -> None:
    for pod in Pod.objects.filter(runner=runner, state=PodState.PENDING):
        unplace(pod)
    place_pending(organization_id=runner.organization_id)


def _delete_queue(runner: Runner) -> None:
    """Nobody will consume it again; what a broker that is away keeps is a few hundred bytes."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1)
            queue = current_app.amqp.queues[f"runner.{runner.pk}"].bind(connection.default_channel)
            queue.declare()  # the transport deletes only what it knows
            queue.delete()
    except BROKER_ERRORS as error:
        logger.warning("queue of Runner %s not deleted: %s", runner.pk, error)
