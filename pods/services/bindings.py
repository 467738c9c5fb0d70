"""One Pod's permission to watch or drive another: ask, answer, release, expire."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind
from accounts.audit import record
from pods.access import Need, may_manage
from pods.bindings import (
    OPEN,
    BindingPolicy,
    BindingScope,
    BindingState,
    is_automatic,
    may_answer,
)
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import ENDED
from pods.models import Binding, Pod
from pods.news import announce

ANSWER_WITHIN = timedelta(hours=24)


def request_binding(
    holder: Pod, target: Pod, *, by: Actor, scopes: Iterable[str], reason: str = ""
) -> Binding:
    """Active at once where the Organization's policy says so, else requested.

    Raises RefusedError for odd scopes or Pods, ConflictError when there is an open one.
    """
    wanted = _checked_scopes(scopes)
    _check_pair(holder, target)
    policy = BindingPolicy(holder.organization.binding_policy)
    at_once = is_automatic(policy, same_owner=holder.owner_id == target.owner_id)
    return _create(holder, target, by=by, wanted=wanted, reason=reason, at_once=at_once)


def bind_parent(parent: Pod, child: Pod, *, by: Actor) -> Binding:
    """What a Pod gets on a Pod it created: to read and to write."""
    both = {BindingScope.READ, BindingScope.WRITE}
    return _create(parent, child, by=by, wanted=both, reason="created it", at_once=True)


def accept_binding(binding: Binding, *, by: Actor) -> Binding:
    _check_may_answer(binding, by)
    return _decide(binding, BindingState.ACTIVE, by=by, answer="")


def reject_binding(binding: Binding, *, by: Actor, answer: str = "") -> Binding:
    _check_may_answer(binding, by)
    return _decide(binding, BindingState.REJECTED, by=by, answer=answer)


def release_binding(binding: Binding, *, by: Actor, answer: str = "") -> Binding:
    """By either Pod, or a person who manages either."""
    if by.kind is ActorKind.POD:
        may = by.pod_id in {binding.holder_id, binding.target_id}
    else:
        may = may_manage(by, binding.holder) or may_manage(by, binding.target)
    if not may:
        raise NotAllowedError(
            "not_allowed", "Only its two Pods, or who manages them, may release it."
        )
    return _decide(binding, BindingState.RELEASED, by=by, answer=answer)


def release_bindings_of(pod: Pod) -> int:
    """A Binding ends with either of its Pods."""
    touched = list(Binding.objects.touching(pod.pk).filter(state__in=OPEN))
    ended = Binding.objects.filter(pk__in=[b.pk for b in touched]).advance(
        BindingState.RELEASED, answer=f"{pod.key} has ended", decided_by="Mesh"
    )
    for binding in touched:
        _tell(binding, BindingState.RELEASED)
    return ended


def expire_unanswered() -> int:
    late = Binding.objects.filter(state=BindingState.REQUESTED, expires_at__lte=now())
    touched = list(late.select_related("holder", "target"))
    expired = late.advance(BindingState.EXPIRED, answer="nobody answered within 24 h")
    for binding in touched:
        _tell(binding, BindingState.EXPIRED)
    return expired


def _checked_scopes(scopes: Iterable[str]) -> set[BindingScope]:
    try:
        wanted = {BindingScope(scope) for scope in scopes}
    except ValueError as error:
        raise RefusedError(
            "bad_scope", "A Binding's scopes are terminal:read and terminal:write."
        ) from error
    if not wanted:
        raise RefusedError("bad_scope", "Say what for: terminal:read, terminal:write or both.")
    return wanted


def _check_pair(holder: Pod, target: Pod) -> None:
    if holder.pk == target.pk:
        raise RefusedError("same_pod", "A Pod needs no Binding to itself.")
    for pod in (holder, target):
        if pod.state in ENDED:
            raise ConflictError("pod_ended", f"{pod.key} has ended.")


def _create(
    holder: Pod, target: Pod, *, by: Actor, wanted: set[BindingScope], reason: str, at_once: bool
) -> Binding:
    state = BindingState.ACTIVE if at_once else BindingState.REQUESTED
    try:
        with transaction.atomic():
            binding = Binding.objects.create(
                organization_id=holder.organization_id,
                holder=holder,
                target=target,
                can_read=True,
                can_write=BindingScope.WRITE in wanted,
                state=state,
                reason=reason[:300],
                expires_at=now() + ANSWER_WITHIN,
                decided_at=now() if at_once else None,
                decided_by="policy" if at_once else "",
            )
            record(by, "binding.create", f"{holder.key}→{target.key}", state=state)
    except IntegrityError as error:
        raise ConflictError(
            "binding_exists", f"{holder.key} has an open Binding to {target.key} already."
        ) from error
    _tell(binding, state)
    return binding


def _check_may_answer(binding: Binding, by: Actor) -> None:
    policy = BindingPolicy(binding.organization.binding_policy)
    manages = by.kind is not ActorKind.POD and may_manage(by, binding.target)
    if not may_answer(policy, is_target_pod=by.pod_id == binding.target_id, manages_target=manages):
        raise NotAllowedError(
            "not_allowed",
            "Only the Pod it is about, or who manages it, may answer."
            if policy is not BindingPolicy.PERSON
            else "In this organization a person answers such requests.",
        )


def _decide(binding: Binding, to: BindingState, *, by: Actor, answer: str) -> Binding:
    with transaction.atomic():
        taken = Binding.objects.filter(pk=binding.pk).advance(
            to, decided_by=by.name, answer=answer[:300]
        )
        if taken:
            record(by, f"binding.{to}", f"{binding.holder.key}→{binding.target.key}")
    binding.refresh_from_db()
    if not taken and binding.state != to:
        raise ConflictError("binding_state", f"This Binding is {binding.state} already.")
    _tell(binding, to)
    return binding


def _tell(binding: Binding, state: BindingState) -> None:
    announce(binding.organization_id, "binding", str(binding.pk), state)
    announce(binding.organization_id, "pod", binding.target.key)
    announce(binding.organization_id, "pod", binding.holder.key)


__all__ = [
    "Need",
    "accept_binding",
    "bind_parent",
    "expire_unanswered",
    "reject_binding",
    "release_binding",
    "release_bindings_of",
    "request_binding",
]
