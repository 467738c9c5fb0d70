from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import Organization
from pods.bindings import OPEN, BindingScope, BindingState, sources
from pods.models.pod import Pod


class BindingQuerySet(models.QuerySet["Binding"]):
    def advance(self, to: BindingState, **changes: object) -> int:
        """Take the step to `to` where it is legal; how many Bindings took it."""
        return self.filter(state__in=sources(to)).update(state=to, decided_at=now(), **changes)

    def allowing(self, scope: BindingScope) -> "BindingQuerySet":
        """The active ones that carry this scope; to write is to read as well."""
        carriers = {BindingScope.READ: Q(can_read=True) | Q(can_write=True)}
        return self.filter(carriers.get(scope, Q(can_write=True)), state=BindingState.ACTIVE)

    def touching(self, pod_id: int | None) -> "BindingQuerySet":
        return self.filter(Q(holder_id=pod_id) | Q(target_id=pod_id))


class Binding(models.Model):
    """The holder's permission to watch, or type into, the target's Terminal. Never the other way round."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="bindings"
    )
    holder = models.ForeignKey(Pod, on_delete=models.CASCADE, related_name="held_bindings")
    target = models.ForeignKey(Pod, on_delete=models.CASCADE, related_name="bindings_on_it")
    can_read = models.BooleanField(default=True)
    can_write = models.BooleanField(default=False)
    state = models.CharField(
        max_length=10,
        choices=[(s, s) for s in BindingState],
        default=BindingState.REQUESTED,
        editable=False,
    )
    reason = models.CharField(max_length=300, blank=True)  # why the holder asks
    answer = models.CharField(max_length=300, blank=True)  # why it was rejected or released
    decided_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField()
    request_told_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the target
    answer_told_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the holder

    objects = BindingQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=[*BindingState]), name="binding_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(holder=models.F("target")), name="binding_is_between_two_pods"
            ),
            models.UniqueConstraint(
                fields=["holder", "target"],
                condition=Q(state__in=sorted(OPEN)),
                name="one_open_binding_per_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder_id}→{self.target_id} {self.state}"

    @property
    def scopes(self) -> list[str]:
        carried = [(self.can_read, BindingScope.READ), (self.can_write, BindingScope.WRITE)]
        return [str(scope) for has, scope in carried if has]
