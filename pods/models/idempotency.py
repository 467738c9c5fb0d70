from typing import ClassVar

from django.db import models
from django.utils.timezone import now


class IdempotentAnswer(models.Model):
    """What a POST with an `Idempotency-Key` was answered, so that its repeat gets the same. Kept 24 h."""

    owner = models.CharField(max_length=60)  # "token:7" or "person:3"
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(null=True)  # null: still being done
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(default=now, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_idempotency_key")
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"
