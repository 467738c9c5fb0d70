from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import Organization
from pods.models.command import Command
from pods.models.runner import Runner
from pods.updates import OPEN, After, Mode, RolloutState, UpdateState, sources


class Release(models.Model):
    """One version of the Runner for one platform and Python. The archive lies below MESH_HOME/releases."""

    version = models.CharField(max_length=40)
    platform = models.CharField(max_length=40)
    python = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()  # bytes
    protocol_lowest = models.PositiveIntegerField()
    protocol_highest = models.PositiveIntegerField()
    manifest = models.TextField()  # as it was signed, byte for byte
    signature = models.CharField(max_length=200)  # Ed25519, base64
    published_at = models.DateTimeField(default=now, editable=False)
    published_by = models.CharField(max_length=150, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # given to no Runner any more

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["version", "platform", "python"],
                condition=Q(withdrawn_at=None),
                name="one_release_per_version_and_platform",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} for {self.platform}, Python {self.python}"


class Rollout(models.Model):
    """An update of all Runners of an Organization, one at a time; it ends at the first failure."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="rollouts"
    )
    version = models.CharField(max_length=40)
    mode = models.CharField(max_length=10, choices=[(m, m) for m in Mode])
    wait_s = models.PositiveIntegerField()
    after = models.CharField(max_length=10, choices=[(a, a) for a in After])
    state = models.CharField(
        max_length=10,
        choices=[(s, s) for s in RolloutState],
        default=RolloutState.RUNNING,
        editable=False,
    )
    reason = models.CharField(max_length=500, blank=True, editable=False)
    asked_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state=RolloutState.RUNNING),
                name="one_rollout_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[*RolloutState]), name="rollout_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"roll-out of {self.version}"

    def end(self, state: RolloutState, reason: str = "") -> bool:
        """False if it had ended already."""
        running = Rollout.objects.filter(pk=self.pk, state=RolloutState.RUNNING)
        return bool(running.update(state=state, reason=reason[:500], ended_at=now()))


class UpdateQuerySet(models.QuerySet["UpdateAttempt"]):
    def open(self) -> "UpdateQuerySet":
        return self.filter(state__in=OPEN)

    def advance(self, to: UpdateState, **changes: object) -> int:
        """Take the step to `to` where it is legal; how many took it."""
        if to not in OPEN:
            changes["ended_at"] = now()
        return self.filter(state__in=sources(to)).update(state=to, **changes)


class UpdateAttempt(models.Model):
    """One Runner asked to run another release, and how that went."""

    runner = models.ForeignKey(Runner, on_delete=models.CASCADE, related_name="updates")
    rollout = models.ForeignKey(
        Rollout, null=True, blank=True, on_delete=models.CASCADE, related_name="attempts"
    )
    command = models.OneToOneField(
        Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="update_attempt"
    )
    version = models.CharField(max_length=40)
    was = models.CharField(max_length=40, blank=True)
    mode = models.CharField(max_length=10, choices=[(m, m) for m in Mode])
    wait_s = models.PositiveIntegerField()
    after = models.CharField(max_length=10, choices=[(a, a) for a in After])
    state = models.CharField(
        max_length=10,
        choices=[(s, s) for s in UpdateState],
        default=UpdateState.ASKED,
        editable=False,
    )
    steps = models.JSONField(
        default=list, editable=False
    )  # [{step, at_ms, text}], the Runner's clock
    reason = models.CharField(max_length=1000, blank=True, editable=False)
    error_code = models.CharField(max_length=40, blank=True, editable=False)
    asked_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = UpdateQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["runner"], condition=Q(state__in=sorted(OPEN)), name="one_update_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[*UpdateState]), name="update_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.runner} to {self.version}"

    @property
    def step(self) -> str:
        return str(self.steps[-1]["step"]) if self.steps else ""

    @property
    def step_text(self) -> str:
        return str(self.steps[-1]["text"]) if self.steps else ""
