"""What an operator sees of a whole system: figures that move, and one id in all logs."""

import asyncio
import json
import urllib.request
from functools import partial
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pods.together import until_one_ends
from tests.faults.seats import Seat
from tests.journeys.system import Api, System, wait
from tests.operations.conftest import METRICS_TOKEN

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(300),  # a start counts, too
]


@pytest.fixture
def api(system: System) -> Api:
    return system.api


def figures(system: System) -> dict[str, float]:
    """Each sample's name with its sum."""
    request = urllib.request.Request(
        f"{system.run_file['url']}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        said = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(said):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def lines(system: System, service: str, request_id: str) -> list[dict[str, Any]]:
    """What a service logged about one request."""
    log = (system.home / "logs" / f"{service}.log").read_text()
    said = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [each for each in said if each.get("request_id") == request_id]


def tells(system: System, service: str, request_id: str, words: str) -> bool:
    return any(words in each["event"] for each in lines(system, service, request_id))


def test_one_id_is_in_every_log_that_a_new_pod_passes(system: System, api: Api) -> None:
    answer = api("POST", "pods/", {"agent_type": "shell"}, X_Request_ID="what-anybody-says")
    key, id_ = answer.json["key"], answer.headers["X-Request-ID"]
    assert id_ != "what-anybody-says"
    api.becomes(key, "running")
    asked = {"web": f"start of Pod {key}", "gateway": f"start {key}", "runner": f"start {key}"}
    for service, words in asked.items():
        wait(partial(tells, system, service, id_, words), partial(system.log, service))
    for service, words in (("gateway", "woken for Runner"), ("runner", " done")):
        wait(partial(tells, system, service, id_, words), partial(system.log, service))
    assert not lines(system, "runner", "another-id")
    api.terminate(key)


async def test_figures_move_with_what_is_done_and_typed(system: System, api: Api) -> None:
    before = await asyncio.to_thread(figures, system)
    key = await asyncio.to_thread(api.create)
    await asyncio.to_thread(api.becomes, key, "running")
    seat = Seat(api, key, b"echo one\n" * 3)
    seat.want(len(seat.keys))
    taken = seat.until(lambda seat: seat.taken == len(seat.keys), 60)
    await until_one_ends(seat.sit(), taken)

    def moved() -> bool:
        now = figures(system)
        counts = ("mesh_dispatch_seconds_count", "mesh_echo_seconds_count")
        return all(now[name] > before.get(name, 0) for name in counts)

    await asyncio.to_thread(wait, moved, lambda: figures(system))
    now = await asyncio.to_thread(figures, system)
    assert now["mesh_sessions"] == now["mesh_runners"] == 1
    assert now["mesh_pods"] > before["mesh_pods"]
    assert now["mesh_commands_queued"] == 0
    assert 0 < now["mesh_dispatch_seconds_sum"] / now["mesh_dispatch_seconds_count"] < 60
    await asyncio.to_thread(api.terminate, key)
