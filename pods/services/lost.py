"""Pods of a Runner that does not come back: lost by somebody's word, or by the Organization's policy."""

from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts.access import system_actor
from accounts.actor import Actor
from accounts.audit import record
from accounts.models import Organization
from pods.access import check_manages_runners
from pods.errors import ConflictError
from pods.models import Pod, Runner
from pods.services.ends import lose


def declare_lost(runner: Runner, *, by: Actor) -> Runner:
    """Its live Pods are lost. Should it come back after all, those that live are found again.

    Raises ConflictError while it is online, NotAllowedError.
    """
    check_manages_runners(by)
    if runner.is_online:
        raise ConflictError(
            "runner_online", f"{runner.name} is online: terminate its Pods if they are to end."
        )
    _lose_pods(runner, by, f"{by.name} said that {runner.name} does not come back.")
    return runner


def lose_of_silent_runners() -> int:
    """What the Organizations' own policies say; how many Pods that were."""
    lost = 0
    for organization in Organization.objects.exclude(lost_after_hours=None):
        hours = organization.lost_after_hours or 0
        silent = Runner.objects.filter(
            organization=organization, seen_at__lt=now() - timedelta(hours=hours)
        )
        for runner in silent:
            if not runner.is_online:
                actor = system_actor(organization.pk)
                why = f"{runner.name} has been silent for {hours} h."
                lost += _lose_pods(runner, actor, why)
    return lost


def _lose_pods(runner: Runner, by: Actor, reason: str) -> int:
    with transaction.atomic():
        pods = list(Pod.objects.live().filter(runner=runner))
        for pod in pods:
            lose(pod, reason)
        if pods:
            record(by, "runner.lost", runner.name, runner=runner.pk, pods=len(pods))
    return len(pods)
