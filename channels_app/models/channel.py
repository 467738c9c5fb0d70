from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import Organization, User
from pods.models import Pod


class Channel(models.Model):
    """A room of an Organization. Its messages are numbered from 1 without gaps."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="channels"
    )
    slug = models.SlugField(max_length=50)
    topic = models.CharField(max_length=300, blank=True)
    is_private = models.BooleanField(default=False)
    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_by_pod = models.ForeignKey(Pod, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    last_number = models.BigIntegerField(default=0, editable=False)
    last_at = models.DateTimeField(default=now, editable=False)  # of the last message

    document = models.TextField(blank=True)
    document_version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "slug"], name="channel_slug_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.slug}"


class Member(models.Model):
    """A person or a Pod in a Channel, with two cursors: what reached them and what they have read."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="channel_memberships"
    )
    pod = models.ForeignKey(
        Pod, null=True, blank=True, on_delete=models.CASCADE, related_name="channel_memberships"
    )
    joined_at = models.DateTimeField(default=now, editable=False)
    delivered = models.BigIntegerField(default=0)
    read = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user=None, pod__isnull=False) | Q(user__isnull=False, pod=None),
                name="member_is_a_person_or_a_pod",
            ),
            models.UniqueConstraint(
                fields=["channel", "user"], condition=Q(pod=None), name="person_once_per_channel"
            ),
            models.UniqueConstraint(
                fields=["channel", "pod"], condition=Q(user=None), name="pod_once_per_channel"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.pod} in {self.channel}"


class DocumentVersion(models.Model):
    """What the shared document was after each change, and who changed it."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="document_versions")
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    author_name = models.CharField(max_length=150)
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["channel", "version"], name="document_version_per_channel"
            )
        ]

    def __str__(self) -> str:
        return f"document of {self.channel_id}, version {self.version}"
