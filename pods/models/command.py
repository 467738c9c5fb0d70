import uuid
from typing import ClassVar

from django.db import models
from django.utils.timezone import now

from pods.commands import CommandKind, CommandState, sources
from pods.models.pod import Pod
from pods.models.runner import Runner


class CommandQuerySet(models.QuerySet["Command"]):
    def advance(self, to: CommandState, **changes: object) -> int:
        """Take the step to `to` where it is legal; how many Commands took it."""
        return self.filter(state__in=sources(to)).update(state=to, **changes)


class Command(models.Model):
    """Something asked of a Runner: delivered at least once, done once. The row is the truth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    runner = models.ForeignKey(Runner, on_delete=models.CASCADE, related_name="commands")
    seq = models.BigIntegerField(editable=False)  # order of sending; from Runner.next_seq
    pod = models.ForeignKey(
        Pod, null=True, blank=True, on_delete=models.CASCADE, related_name="commands"
    )
    kind = models.CharField(max_length=20, choices=[(k, k) for k in CommandKind])
    payload = models.JSONField(default=dict)
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in CommandState], default=CommandState.QUEUED
    )
    deadline = models.DateTimeField(null=True, blank=True)
    trace = models.CharField(max_length=64, blank=True, editable=False)  # the request it came from
    created_at = models.DateTimeField(default=now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    acked_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)

    objects = CommandQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["runner", "seq"], name="command_seq_per_runner"),
            models.CheckConstraint(
                condition=models.Q(state__in=[*CommandState]), name="command_state_is_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["runner", "state", "seq"]),
            models.Index(fields=["pod", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.seq} for {self.runner}"
