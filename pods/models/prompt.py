from datetime import datetime
from typing import ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import User
from pods.models.command import Command
from pods.models.pod import Pod
from pods.prompts import PromptState, When, sources

_IN_FLIGHT = Q(over_at=None) & ~Q(state=PromptState.QUEUED)
_ENDS = frozenset({PromptState.FAILED, PromptState.CANCELLED})


class PromptQuerySet(models.QuerySet["Prompt"]):
    def advance(
        self, to: PromptState, *, evidence: str = "", at: datetime | None = None, **changes: object
    ) -> bool:
        """Take one prompt's step to `to`, with its receipt; False if it is not legal from where it is."""
        if to in _ENDS:
            changes["over_at"] = now()
        with transaction.atomic():
            pk = self.values_list("pk", flat=True).first()
            if pk is None or not self.filter(pk=pk, state__in=sources(to)).update(
                state=to, **changes
            ):
                return False
            Receipt.objects.create(
                prompt_id=pk, step=to, at=at or now(), evidence=evidence[: Receipt.EVIDENCE_MAX]
            )
        return True

    def queued(self) -> "PromptQuerySet":
        """Those that may still be changed, in the order in which they will go out."""
        now_first = models.Case(models.When(when=When.NOW, then=0), default=1)
        return self.filter(state=PromptState.QUEUED).order_by(now_first, "place", "pk")

    def in_flight(self) -> "PromptQuerySet":
        return self.filter(_IN_FLIGHT)

    def stuck(self) -> "PromptQuerySet":
        """Those that failed, and nobody has tried them again or put them aside."""
        return self.filter(state=PromptState.FAILED, put_aside_at=None)


class Prompt(models.Model):
    """A text for the agent in a Pod: it waits in the Pod's queue, then is typed, one after the other."""

    pod = models.ForeignKey(Pod, on_delete=models.CASCADE, related_name="prompts")
    number = models.PositiveIntegerField(editable=False)  # in its Pod; 1 is what it was made for
    text = models.TextField()
    when = models.CharField(max_length=4, choices=[(w, w) for w in When], default=When.IDLE)
    place = models.IntegerField(editable=False)  # in the queue; smaller goes first
    state = models.CharField(
        max_length=10,
        choices=[(s, s) for s in PromptState],
        default=PromptState.QUEUED,
        editable=False,
    )
    author_kind = models.CharField(max_length=10)  # an ActorKind
    author_name = models.CharField(max_length=150)  # kept when the author is gone
    author_user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="prompts"
    )
    author_pod = models.ForeignKey(
        Pod, null=True, blank=True, on_delete=models.SET_NULL, related_name="authored_prompts"
    )
    trace = models.CharField(
        max_length=64, blank=True, editable=False
    )  # of the request that queued it
    command = models.OneToOneField(  # what types it; none while it is queued
        Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="prompt"
    )
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    created_at = models.DateTimeField(default=now, editable=False)
    over_at = models.DateTimeField(  # no more is done for it
        null=True, blank=True, editable=False
    )
    put_aside_at = models.DateTimeField(  # a failed one that holds up the queue no longer
        null=True, blank=True, editable=False
    )

    objects = PromptQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=[*PromptState]), name="prompt_state_is_known"
            ),
            models.UniqueConstraint(fields=["pod", "number"], name="prompt_number_per_pod"),
            models.UniqueConstraint(
                fields=["pod"], condition=_IN_FLIGHT, name="one_prompt_in_flight_per_pod"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["pod", "state"])]

    def __str__(self) -> str:
        return f"prompt {self.number} for {self.pod_id}"


class Receipt(models.Model):
    """A step of a prompt that was taken: when, and by what it was seen."""

    EVIDENCE_MAX = 1000

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="receipts")
    step = models.CharField(max_length=10, choices=[(s, s) for s in PromptState])
    at = models.DateTimeField(default=now)
    evidence = models.CharField(max_length=EVIDENCE_MAX, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["prompt", "step"], name="one_receipt_per_step")
        ]

    def __str__(self) -> str:
        return f"{self.prompt_id}: {self.step}"
