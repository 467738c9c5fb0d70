"""Which Gateway has the Runner of a Pod now, by the rows."""

from dataclasses import dataclass
from datetime import datetime

from pods.models import Gateway, Pod


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """`address` is empty while the Runner has no Session; `since` is then when it was last here."""

    runner_id: int | None = None
    address: str = ""
    since: datetime | None = None


def whereabouts(key: str) -> Whereabouts:
    pod = Pod.objects.select_related("runner").filter(key=key).only("key", "runner").first()
    return whereabouts_of(pod) if pod else Whereabouts()


def whereabouts_of(pod: Pod) -> Whereabouts:
    runner = pod.runner
    if runner is None:
        return Whereabouts()
    since = runner.detached_at or runner.seen_at
    if not runner.gateway:
        return Whereabouts(runner.pk, "", since)
    address = Gateway.objects.filter(pk=runner.gateway).values_list("address", flat=True).first()
    return Whereabouts(runner.pk, address or "", None if address else since)
