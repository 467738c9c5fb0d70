from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils.timezone import now

from accounts.models import Organization, User

OFFLINE_AFTER = timedelta(seconds=30)


class RunnerQuerySet(models.QuerySet["Runner"]):
    def online(self) -> "RunnerQuerySet":
        """Attached to a Gateway and heard from lately."""
        return self.exclude(gateway="").filter(seen_at__gt=now() - OFFLINE_AFTER)

    def usable(self) -> "RunnerQuerySet":
        """Neither disabled nor retired; may be offline."""
        return self.filter(disabled_at=None, retired_at=None)


class Runner(models.Model):
    """A machine enrolled with a certificate; runs Pods."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="runners")
    name = models.CharField(max_length=80)
    labels = models.JSONField(default=dict, blank=True)
    capacity = models.PositiveIntegerField(default=0)
    version = models.CharField(max_length=40, blank=True)
    hostname = models.CharField(max_length=200, blank=True)
    os = models.CharField(max_length=100, blank=True)
    isolation = models.CharField(max_length=10, blank=True)  # the strongest level it can give
    agents = models.JSONField(default=list, blank=True)  # [{slug, version, path, problem}]
    boot_id = models.CharField(max_length=60, blank=True)
    mcp_port = models.PositiveIntegerField(default=0)
    platform = models.CharField(max_length=40, blank=True)  # of the releases it can run
    python = models.CharField(max_length=10, blank=True)
    protocol = models.PositiveIntegerField(default=0, editable=False)  # of its newest Session

    # The live Session. `gateway` is empty while there is none.
    epoch = models.BigIntegerField(default=0, editable=False)
    gateway = models.CharField(max_length=60, blank=True, editable=False)
    attached_at = models.DateTimeField(null=True, blank=True, editable=False)
    detached_at = models.DateTimeField(null=True, blank=True, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    round_trip_ms = models.FloatField(null=True, blank=True, editable=False)
    clock_offset_ms = models.FloatField(null=True, blank=True, editable=False)
    unacknowledged_bytes = models.BigIntegerField(default=0, editable=False)
    next_seq = models.BigIntegerField(default=0, editable=False)
    restored_at = models.DateTimeField(  # an older database was put back: the Runner may know more
        null=True, blank=True, editable=False
    )

    lends_login = models.BooleanField(  # its user's own logins may be copied into Pods
        default=False, editable=False
    )
    draining_since = models.DateTimeField(null=True, blank=True)  # takes no new Pods
    updating_since = models.DateTimeField(null=True, blank=True)  # nor does it for now
    disabled_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = RunnerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="runner_name_per_organization"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_online(self) -> bool:
        return bool(self.gateway and self.seen_at and self.seen_at > now() - OFFLINE_AFTER)


class Certificate(models.Model):
    """A certificate the Mesh CA signed for a Runner."""

    runner = models.ForeignKey(Runner, on_delete=models.CASCADE, related_name="certificates")
    serial = models.CharField(max_length=40, unique=True)  # lower-case hex
    fingerprint = models.CharField(max_length=64)  # SHA-256 of the DER, hex
    issuer = models.CharField(max_length=80, blank=True)  # name of the authority that signed it
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"{self.serial} for {self.runner}"


class EnrollmentToken(models.Model):
    """Lets one machine become a Runner, once, within 24 h. Only its SHA-256 is kept."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="enrollment_tokens"
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    runner = models.ForeignKey(Runner, null=True, blank=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return f"enrollment token {self.pk}"
