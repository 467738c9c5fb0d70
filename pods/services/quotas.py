"""How many Pods there may be: in an Organization, by one Pod, and generations deep."""

from django.db.models import F, QuerySet

from accounts.actor import Actor, ActorKind
from accounts.models import Organization
from pods.errors import QuotaError
from pods.lifecycle import LIVE, PodState
from pods.models import Pod

_COUNTED = [PodState.PENDING, *sorted(LIVE)]


def check_room(by: Actor) -> None:
    """Raises QuotaError. Call it in the transaction that creates the Pod: it holds the Organization's row."""
    organization = _locked(by.organization_id)
    everywhere = Pod.objects.filter(organization=organization)
    _check(everywhere, organization.max_pods, f"{organization.name} has", "organization_full")
    if by.kind == ActorKind.POD:
        children = Pod.objects.filter(parent_id=by.pod_id)
        _check(children, organization.max_children, "You have", "too_many_children")
        _check_depth(by.pod_id, organization.max_depth)


def _locked(organization_id: int) -> Organization:
    """Two who count at once would both find room."""
    Organization.objects.filter(pk=organization_id).update(max_pods=F("max_pods"))
    return Organization.objects.get(pk=organization_id)


def _check(pods: QuerySet[Pod], limit: int, who: str, code: str) -> None:
    live = pods.filter(state__in=_COUNTED).count()
    if live >= limit:
        raise QuotaError(
            code,
            f"{who} {live} live Pods of {limit} allowed. End one that is no longer needed.",
            limit=limit,
        )


def _check_depth(parent_id: int | None, limit: int) -> None:
    depth, at = 0, parent_id
    while at is not None and depth <= limit:
        depth += 1
        at = Pod.objects.filter(pk=at).values_list("parent_id", flat=True).first()
    if depth > limit:
        raise QuotaError(
            "too_deep",
            f"Pods may create Pods {limit} generations deep, and you are of the last. Do it yourself, "
            "or ask the Pod that created you.",
            limit=limit,
        )
