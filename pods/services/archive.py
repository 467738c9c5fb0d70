"""Putting ended Pods out of sight, and having them back. After 14 days their Workspaces go to the trash, work never."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import now

from accounts.actor import Actor
from accounts.audit import record
from pods.errors import ConflictError
from pods.lifecycle import ENDED
from pods.models import Pod, PodEvent, Workspace
from pods.news import announce
from pods.services.workspaces import queue_removal

WORKSPACES_KEPT = timedelta(days=14)  # after the last of its Pods was archived
ASKED_AGAIN_AFTER = timedelta(days=1)
AT_ONCE = 50  # removals queued in one pass

logger = logging.getLogger(__name__)


def archive_pod(pod: Pod, *, by: Actor) -> Pod:
    """One that is archived stays so. Raises ConflictError for a Pod that has not ended."""
    with transaction.atomic():
        ended = Pod.objects.filter(pk=pod.pk, state__in=sorted(ENDED))
        if ended.filter(archived_at=None).update(archived_at=now()):
            _tell(pod, by, "archive", f"Archived by {by.name}.")
        elif not ended.exists():
            raise ConflictError(
                "pod_not_ended",
                f"{pod.key} is {pod.state}: terminate it first, then archive it.",
            )
    pod.refresh_from_db()
    return pod


def unarchive_pod(pod: Pod, *, by: Actor) -> Pod:
    with transaction.atomic():
        if Pod.objects.filter(pk=pod.pk).exclude(archived_at=None).update(archived_at=None):
            _tell(pod, by, "unarchive", f"Brought back by {by.name}.")
    pod.refresh_from_db()
    return pod


def remove_left_behind() -> int:
    """Ask the Runners to remove what nobody has looked after for 14 days; how many were asked.

    A Runner keeps one with work in it, and says why; it is asked again a day later.
    """
    asked = 0
    for workspace in _left_behind()[:AT_ONCE]:
        pod = workspace.pods.select_related("runner").order_by("-pk").first()
        if pod is None or pod.runner is None or pod.runner.retired_at:
            continue
        payload = {"force": False, "why": "It was archived 14 days ago."}
        try:
            with transaction.atomic():
                queue_removal(pod, workspace, payload)
        except ConflictError as error:
            logger.info("the Workspace of %s stays: %s", pod.key, error)
        else:
            asked += 1
    return asked


def _left_behind() -> list[Workspace]:
    recent = Q(archived_at=None) | Q(archived_at__gt=now() - WORKSPACES_KEPT)
    pods = Pod.objects.filter(workspace=OuterRef("pk"))
    waited = Q(removal_asked_at=None) | Q(removal_asked_at__lt=now() - ASKED_AGAIN_AFTER)
    found = Workspace.objects.filter(waited, removed_at=None).exclude(path="")
    return list(found.filter(Exists(pods)).exclude(Exists(pods.filter(recent)))[:AT_ONCE])


def _tell(pod: Pod, by: Actor, verb: str, text: str) -> None:
    record(by, f"pod.{verb}", pod.key)
    PodEvent.objects.create(pod=pod, kind=PodEvent.Kind.NOTE, text=text)
    announce(pod.organization_id, "pod", pod.key, pod.state)
