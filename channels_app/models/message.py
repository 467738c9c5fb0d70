from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import User
from channels_app.models.channel import Channel
from pods.models import Command, Pod


class Message(models.Model):
    """Something said. The author comes from the connection; a notice of Mesh itself has none."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages")
    number = models.BigIntegerField()
    author_user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="messages"
    )
    author_pod = models.ForeignKey(
        Pod, null=True, blank=True, on_delete=models.SET_NULL, related_name="messages"
    )
    author_name = models.CharField(max_length=150)  # kept when the author is gone
    is_notice = models.BooleanField(default=False)
    body = models.TextField()
    reply_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies"
    )
    created_at = models.DateTimeField(default=now, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "number"], name="message_number_per_channel")
        ]

    def __str__(self) -> str:
        return f"{self.channel_id}/{self.number} by {self.author_name}"


class Mention(models.Model):
    """Somebody was called in a message. For a Pod it is also typed into its prompt, with a receipt."""

    class Receipt(models.TextChoices):
        NONE = "none"  # a person: the page and the inbox show it
        QUEUED = "queued"
        TYPED = "typed"
        HELD = "held"  # the loop guard: it can be read, it is not typed
        ENDED = "ended"  # the Pod ended first
        FAILED = "failed"  # its Runner could not type it
        UNKNOWN = "unknown"  # its Runner died while typing it

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="mentions"
    )
    pod = models.ForeignKey(
        Pod, null=True, blank=True, on_delete=models.CASCADE, related_name="mentions"
    )
    receipt = models.CharField(max_length=7, choices=Receipt, default=Receipt.NONE)
    at = models.DateTimeField(default=now, editable=False)
    typed_at = models.DateTimeField(null=True, blank=True)
    command = models.OneToOneField(  # what types it; none while its Pod does not run
        Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="mention"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user=None, pod__isnull=False) | Q(user__isnull=False, pod=None),
                name="mention_is_of_a_person_or_a_pod",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["pod", "receipt"])]

    def __str__(self) -> str:
        return f"{self.user or self.pod} in {self.message_id}"
