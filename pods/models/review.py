from typing import ClassVar

from django.db import models
from django.utils.timezone import now

from accounts.models import User
from pods.models.workspace import Workspace


class ReviewedFile(models.Model):
    """A person's tick on a changed file: it counts while the file holds what it held then (`blob`)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reviewed_files")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="reviewed_files"
    )
    path = models.TextField()
    path_digest = models.CharField(max_length=64, editable=False)  # SHA-256: a path may be long
    blob = models.CharField(max_length=64, blank=True)  # empty: the file is removed
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "workspace", "path_digest"], name="one_tick_per_person_and_file"
            )
        ]

    def __str__(self) -> str:
        return f"{self.path} by {self.user}"


class ReviewComment(models.Model):
    """What a person wants to say about a line; gathered, until all are sent to the agent as one prompt."""

    class Side(models.TextChoices):
        OLD = "old"
        NEW = "new"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="review_comments")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="review_comments"
    )
    path = models.TextField()
    line = models.PositiveIntegerField()
    side = models.CharField(max_length=3, choices=Side, default=Side.NEW)
    quoted = models.CharField(max_length=300, blank=True)  # the line as it was then
    text = models.TextField()
    created_at = models.DateTimeField(default=now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "user", "sent_at"])]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} by {self.user}"
