"""/metrics: who may read it, and that its numbers move with what really happens."""

import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils.timezone import now
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from pods.lifecycle import PodState
from pods.models import Gateway, Runner
from proto.mesh.v1 import runner_pb2
from tests import builders
from tests.builders import make_pod, make_runner, make_token
from tests.pods.gateway.rig import queue, running_gateway, until

TOKEN = "a-word-of-the-operator"


@pytest.fixture(autouse=True)
def _token(settings):
    settings.METRICS_TOKEN = TOKEN


def read(token: str = TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().get("/metrics", headers=headers)


def figure(name: str, **labels: str) -> float:
    """The sum of a sample over all that it is told apart by besides `labels`."""
    found = [
        sample.value
        for family in text_string_to_metric_families(read().content.decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found)


# ---- who may read


@pytest.mark.django_db
def test_nobody_reads_it_without_a_word(settings):
    assert read("").status_code == 401
    assert read("another-word").status_code == 401
    settings.METRICS_TOKEN = ""
    assert read().status_code == 401
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 401


@pytest.mark.django_db
def test_an_operators_token_reads_it_and_an_owners_does_not(cast):
    secret = make_token(cast.alice, cast.organization)
    assert read(secret).status_code == 401
    User.objects.filter(pk=cast.alice.pk).update(is_superuser=True)
    answer = read(secret)
    assert answer.status_code == 200
    assert b"process_resident_memory_bytes" in answer.content


# ---- rows


@pytest.mark.django_db
def test_pods_and_runners_are_told_by_state(cast):
    runner = make_runner(cast.organization, unacknowledged_bytes=1234)
    make_runner(cast.organization, disabled_at=now())
    for state in (PodState.RUNNING, PodState.RUNNING, PodState.FAILED):
        make_pod(runner=runner, state=state)
    assert figure("mesh_pods", state="running") == 2
    assert figure("mesh_pods", state="failed") == 1
    assert figure("mesh_pods", state="pending") == 0
    assert figure("mesh_runners", state="online") == 1
    assert figure("mesh_runners", state="disabled") == 1
    assert figure("mesh_unacknowledged_bytes") == 1234


@pytest.mark.django_db
def test_what_waits_is_told_by_the_state_of_its_runner(cast):
    away, here = make_runner(cast.organization, online=False), make_runner(cast.organization)
    for runner in (away, away, here):
        queue(runner)
    away.commands.update(created_at=now() - timedelta(minutes=10))
    assert figure("mesh_commands_queued", runner_state="offline") == 2
    assert figure("mesh_commands_queued", runner_state="online") == 1
    assert figure("mesh_oldest_queued_command_seconds", runner_state="offline") >= 600
    assert figure("mesh_oldest_queued_command_seconds", runner_state="online") < 60


# ---- what a gateway measures


@pytest.mark.django_db(transaction=True)
async def test_traffic_of_a_runner_moves_the_numbers():
    ask = sync_to_async(figure)
    async with running_gateway() as rig:

        async def at_least(name: str, value: float, **labels: str) -> bool:
            return await ask(name, gateway=rig.name, **labels) >= value

        async def come(name: str, value: float, **labels: str) -> None:
            await until(lambda: at_least(name, value, **labels))

        runner = await rig.rows(builders.make_runner, online=False)
        await come("mesh_gateway_seen_seconds", 0)
        dispatched = await ask("mesh_dispatch_seconds_count", gateway=rig.name)
        begun = await ask("mesh_sessions_begun_total", gateway=rig.name)
        again = await ask("mesh_reconnects_total", gateway=rig.name)
        refused = await ask("mesh_refused_frames_total", gateway=rig.name, why="claim")
        async with rig.session(runner) as link:
            await rig.rows(queue, runner)
            await link.ack(await link.next("command"))
            await link.report("no-such-pod", runner_pb2.PodReport.RUNNING)
            await come("mesh_dispatch_seconds_count", dispatched + 1)
            await come("mesh_refused_frames_total", refused + 1, why="claim")
            await come("mesh_sessions", 1)
        async with rig.session(runner):
            await come("mesh_sessions_begun_total", begun + 2)
            await come("mesh_reconnects_total", again + 1)
        kept = await rig.rows(Gateway.objects.get, pk=rig.name)
        assert json.dumps(kept.measured)
        assert (await rig.rows(Runner.objects.get, pk=runner.pk)).epoch == 2
