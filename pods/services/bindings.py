"""One Pod's permission to watch or drive another: ask, answer, release, expire."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind
from accounts.audit import record
from accounts.policies import BindingPolicy
from pods.access import may_manage
from pods.bindings import OPEN, BindingScope, BindingState, is_automatic, may_answer
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import ENDED
from pods.models import Binding, Pod, PodEvent
from pods.models.binding import BindingQuerySet
from pods.news import announce

ANSWER_WITHIN = timedelta(hours=24)
REASON_MAX = 300

_Scopes = frozenset[BindingScope]
_BOTH: _Scopes = frozenset(BindingScope)


def request_binding(
    holder: Pod, target: Pod, *, by: Actor, scopes: Iterable[str], reason: str = ""
) -> Binding:
    """Active at once where the Organization's policy says so or who asks manages the target; else requested.

    Raises RefusedError for odd scopes or Pods, NotAllowedError for another's Pod as the holder, ConflictError
    when there is an open one.
    """
    wanted = _checked_scopes(scopes)
    _check_holder(holder, by)
    _check_pair(holder, target)
    policy = BindingPolicy(holder.organization.binding_policy)
    owners = {holder.owner_id, target.owner_id}
    automatic = is_automatic(policy, same_owner=len(owners) == 1 and None not in owners)
    consents = by.kind != ActorKind.POD and may_manage(by, target)
    state = BindingState.ACTIVE if automatic or consents else BindingState.REQUESTED
    binding = Binding(
        holder=holder,
        target=target,
        reason=reason.replace("\0", "")[:REASON_MAX],
        state=state,
        decided_by=by.name if consents else "policy" if automatic else "",
    )
    return _create(binding, wanted, by)


def bind_parent(parent: Pod, child: Pod, *, by: Actor) -> Binding:
    """What a Pod gets on a Pod it created: to read and to write."""
    binding = Binding(
        holder=parent,
        target=child,
        reason="It created this Pod.",
        state=BindingState.ACTIVE,
        decided_by="policy",
    )
    return _create(binding, _BOTH, by)


def accept_binding(binding: Binding, *, by: Actor) -> Binding:
    _check_may_answer(binding, by)
    return _decide(binding, BindingState.ACTIVE, by=by, answer="")


def reject_binding(binding: Binding, *, by: Actor, answer: str = "") -> Binding:
    _check_may_answer(binding, by)
    return _decide(binding, BindingState.REJECTED, by=by, answer=answer)


def release_binding(binding: Binding, *, by: Actor, answer: str = "") -> Binding:
    """By either Pod, or a person who manages either."""
    if by.kind == ActorKind.POD:
        may = by.pod_id in {binding.holder_id, binding.target_id}
    else:
        may = may_manage(by, binding.holder) or may_manage(by, binding.target)
    if not may:
        raise NotAllowedError(
            "not_allowed", "Only its two Pods, or who manages one of them, may release it."
        )
    return _decide(binding, BindingState.RELEASED, by=by, answer=answer)


def release_bindings_of(pod: Pod) -> int:
    """A Binding ends with either of its Pods."""
    return _end_all(
        Binding.objects.touching(pod.pk), BindingState.RELEASED, f"{pod.key} has ended."
    )


def release_those_of_ended() -> int:
    """What was asked for at the very moment one of the Pods ended."""
    ended = Q(holder__state__in=ENDED) | Q(target__state__in=ENDED)
    return _end_all(
        Binding.objects.filter(ended), BindingState.RELEASED, "One of its Pods has ended."
    )


def expire_unanswered() -> int:
    late = Binding.objects.filter(state=BindingState.REQUESTED, expires_at__lte=now())
    return _end_all(late, BindingState.EXPIRED, "Nobody answered within 24 hours.")


def tell(pod_id: int) -> list[Binding]:
    """What this Pod has not been told yet: requests it may answer, and answers to its own. Each once."""
    asked = Q(target_id=pod_id, state=BindingState.REQUESTED, request_told_at=None)
    answered = Q(holder_id=pod_id, answer_told_at=None, state__in=_ANSWERS)
    news = list(Binding.objects.filter(asked | answered).values_list("pk", flat=True))
    if not news:  # most often: each waiting Pod asks this again and again
        return []
    untold = list(
        Binding.objects.filter(pk__in=news).select_related("holder", "target").order_by("pk")
    )
    of_me = [binding.pk for binding in untold if binding.target_id == pod_id]
    mine = [binding.pk for binding in untold if binding.holder_id == pod_id]
    Binding.objects.filter(pk__in=of_me).update(request_told_at=now())
    Binding.objects.filter(pk__in=mine).update(answer_told_at=now())
    return untold


_ANSWERS = [BindingState.ACTIVE, BindingState.REJECTED, BindingState.EXPIRED]


def _checked_scopes(scopes: Iterable[str]) -> _Scopes:
    try:
        wanted = frozenset(BindingScope(scope) for scope in scopes)
    except ValueError as error:
        raise RefusedError(
            "bad_scope", "A Binding's scopes are terminal:read and terminal:write.", field="scopes"
        ) from error
    if not wanted:
        raise RefusedError(
            "bad_scope", "Say what for: terminal:read, terminal:write or both.", field="scopes"
        )
    return wanted


def _check_holder(holder: Pod, by: Actor) -> None:
    is_its_own = by.kind == ActorKind.POD and by.pod_id == holder.pk
    if not is_its_own and (by.kind == ActorKind.POD or not may_manage(by, holder)):
        raise NotAllowedError("not_yours", f"Only {holder.key} itself or who manages it may ask.")


def _check_pair(holder: Pod, target: Pod) -> None:
    if holder.organization_id != target.organization_id:
        raise RefusedError("not_here", "Both Pods belong to one organization.")
    if holder.pk == target.pk:
        raise RefusedError("same_pod", "A Pod needs no Binding to itself.")
    for pod in (holder, target):
        if pod.state in ENDED:
            raise ConflictError("pod_ended", f"{pod.key} has ended.")


def _create(binding: Binding, wanted: _Scopes, by: Actor) -> Binding:
    is_active = binding.state == BindingState.ACTIVE
    binding.organization_id = binding.holder.organization_id
    binding.can_write = BindingScope.WRITE in wanted  # to write is to read as well
    binding.expires_at = now() + ANSWER_WITHIN
    binding.decided_at = binding.answer_told_at = now() if is_active else None  # who asks sees it
    holder, target = binding.holder, binding.target
    try:
        with transaction.atomic():
            binding.save(force_insert=True)
            record(by, "binding.create", f"{holder.key} → {target.key}", state=binding.state)
            may = "watch and drive" if binding.can_write else "watch"
            asks = f"may {may}" if is_active else f"asks to {may}"
            _note(target, f"{holder.key} {asks} this Terminal.")
    except IntegrityError as error:
        raise ConflictError(
            "binding_exists",
            f"{holder.key} has an open Binding to {target.key} already: release it for another.",
        ) from error
    _announce(binding, binding.state)
    return binding


def _check_may_answer(binding: Binding, by: Actor) -> None:
    policy = BindingPolicy(binding.organization.binding_policy)
    manages = by.kind != ActorKind.POD and may_manage(by, binding.target)
    if not may_answer(policy, is_target_pod=by.pod_id == binding.target_id, manages_target=manages):
        raise NotAllowedError(
            "not_allowed",
            "In this organization a person who manages the Pod answers such requests."
            if policy is BindingPolicy.PERSON
            else "Only the Pod it is about, or who manages it, may answer.",
        )


def _decide(binding: Binding, to: BindingState, *, by: Actor, answer: str) -> Binding:
    said = answer.replace("\0", "")[:REASON_MAX]
    with transaction.atomic():
        taken = Binding.objects.filter(pk=binding.pk).advance(to, decided_by=by.name, answer=said)
        if taken:
            record(by, f"binding.{to}", f"{binding.holder.key} → {binding.target.key}")
            _note(binding.target, f"The Binding of {binding.holder.key} is {to}, by {by.name}.")
            _announce(binding, to)
    binding.refresh_from_db()
    if binding.state != to:
        raise ConflictError("binding_state", f"This Binding is {binding.state} already.")
    return binding


def _end_all(bindings: BindingQuerySet, to: BindingState, why: str) -> int:
    ended = 0
    for binding in bindings.filter(state__in=OPEN).select_related("holder", "target"):
        one = Binding.objects.filter(pk=binding.pk, state=binding.state)
        if one.advance(to, answer=why, decided_by="Mesh"):
            ended += 1
            _announce(binding, to)
    return ended


def _note(pod: Pod, text: str) -> None:
    PodEvent.objects.create(pod=pod, kind=PodEvent.Kind.NOTE, step="binding", text=text[:500])


def _announce(binding: Binding, state: str) -> None:
    announce(binding.organization_id, "binding", str(binding.pk), state)
    for pod in (binding.holder, binding.target):
        announce(binding.organization_id, "pod", pod.key, pod.state)
