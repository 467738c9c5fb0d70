"""What an operator asks of the whole installation, as Prometheus reads it: from rows, so that any web process can tell."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Count, Min, Sum
from django.utils.timezone import now
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pods.commands import CommandState
from pods.lifecycle import PodState
from pods.models import Command, Gateway, Pod, Runner

RUNNER_STATES = ("online", "draining", "offline", "disabled")


def exposition() -> bytes:
    """Raises DatabaseError."""
    registry = CollectorRegistry()
    registry.register(_Rows())
    return generate_latest(registry)


class _Rows(Collector):
    def collect(self) -> Iterable[Metric]:
        yield _pods()
        yield from _runners()
        yield from _gateways()

    def describe(self) -> Iterable[Metric]:
        """Names are not judged at registration: that would ask all of it twice."""
        return []


def _pods() -> Metric:
    family = GaugeMetricFamily("mesh_pods", "Pods by state.", labels=["state"])
    counted = dict(Pod.objects.order_by().values_list("state").annotate(Count("pk")))
    for state in PodState:
        family.add_metric([state], counted.get(state, 0))
    return family


def _runners() -> Iterator[Metric]:
    runners = {runner.pk: runner for runner in Runner.objects.filter(retired_at=None)}
    states = {pk: _state(runner) for pk, runner in runners.items()}
    there = GaugeMetricFamily("mesh_runners", "Runners by state.", labels=["state"])
    for state in RUNNER_STATES:
        there.add_metric([state], list(states.values()).count(state))
    yield there
    yield from _commands(states)
    owed = GaugeMetricFamily(
        "mesh_unacknowledged_bytes", "Terminal bytes that Runners sent and nobody acknowledged."
    )
    online = Runner.objects.online().aggregate(owed=Sum("unacknowledged_bytes"))
    owed.add_metric([], online["owed"] or 0)
    yield owed
    yield _sessions()


def _state(runner: Runner) -> str:
    if runner.disabled_at:
        return "disabled"
    if not runner.is_online:
        return "offline"
    return "draining" if runner.draining_since else "online"


def _commands(states: dict[int, str]) -> Iterator[Metric]:
    labels = ["runner_state"]
    queued = GaugeMetricFamily("mesh_commands_queued", "Commands not sent yet.", labels=labels)
    sent = GaugeMetricFamily(
        "mesh_commands_unacknowledged",
        "Commands sent, and in no Runner's ledger yet.",
        labels=labels,
    )
    oldest = GaugeMetricFamily(
        "mesh_oldest_queued_command_seconds", "Age of the oldest one not sent yet.", labels=labels
    )
    open_ = Command.objects.filter(
        runner__in=states, state__in=[CommandState.QUEUED, CommandState.SENT]
    ).order_by()
    rows = list(open_.values_list("runner", "state").annotate(Count("pk"), Min("created_at")))
    for state in RUNNER_STATES:
        mine = [row for row in rows if states[row[0]] == state]
        waiting = [row for row in mine if row[1] == CommandState.QUEUED]
        queued.add_metric([state], sum(row[2] for row in waiting))
        sent.add_metric([state], sum(row[2] for row in mine if row[1] == CommandState.SENT))
        oldest.add_metric([state], max((_age(row[3]) for row in waiting), default=0))
    yield from (queued, sent, oldest)


def _sessions() -> Metric:
    family = GaugeMetricFamily("mesh_sessions", "Sessions by gateway.", labels=["gateway"])
    rows = Runner.objects.online().order_by().values_list("gateway").annotate(Count("pk"))
    held = dict.fromkeys(Gateway.objects.values_list("pk", flat=True), 0) | dict(rows)
    for gateway, many in held.items():
        family.add_metric([gateway], many)
    return family


def _gateways() -> Iterator[Metric]:
    """What each Gateway measured, under its name; one that is restarted begins at zero."""
    seen = GaugeMetricFamily(
        "mesh_gateway_seen_seconds", "Since the gateway's last sign of life.", labels=["gateway"]
    )
    families: dict[str, Metric] = {}
    for gateway in Gateway.objects.order_by("pk"):
        seen.add_metric([gateway.pk], _age(gateway.seen_at))
        for told in gateway.measured:
            family = families.setdefault(
                told["name"], Metric(told["name"], told["help"], told["type"])
            )
            for name, labels, value in told["samples"]:
                family.add_sample(name, {"gateway": gateway.pk, **labels}, value)
    yield seen
    yield from families.values()


def _age(moment: datetime) -> float:
    return max(0.0, (now() - moment).total_seconds())
