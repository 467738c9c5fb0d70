"""The gateway's ports, its row, its health, and what it does for Runners of gateways that died."""

import asyncio
import stat
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from django.utils.timezone import now
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pods import wakeups
from pods.gateway import listeners
from pods.gateway.listeners import ServerCertificate
from pods.gateway.pool import Pool
from pods.lifecycle import PodState
from pods.models import Gateway, Pod, Runner
from pods.services.authority import Authority
from pods.services.gateways import bury_dead, one_lives, open_gateway
from pods.services.sessions import StaleEpochError
from tests.builders import make_gateway, make_pod, make_runner
from tests.pods.gateway.rig import QUICK, Rows, command_is, pod_is, queue, running_gateway, until

over_the_wire = pytest.mark.django_db(transaction=True)


async def check(address: str, credentials: grpc.ChannelCredentials | None = None) -> str:
    """What the private listener's health service says."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = (
        aio.secure_channel(address, credentials, options=options)
        if credentials
        else aio.insecure_channel(address, options=options)
    )
    async with channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        except aio.AioRpcError as error:
            return error.code().name
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


# ---- its row and its health


@over_the_wire
async def test_its_row_says_where_it_is_while_it_runs() -> None:
    async with running_gateway(id="here") as rig:
        row = await rig.rows(Gateway.objects.get, pk="here")
        assert row.address == rig.internal
        refreshed = Gateway.objects.filter(pk="here", seen_at__gt=row.seen_at)
        await rig.until(refreshed.exists)
        assert await check(rig.internal) == "SERVING"
    rows = Rows()
    assert not await rows(Gateway.objects.exists)
    await rows.close()


@over_the_wire
async def test_a_gateway_that_starts_again_holds_no_runner_of_its_earlier_life() -> None:
    def left_behind() -> Runner:
        make_gateway("here")
        return make_runner(gateway="here")

    rows = Rows()
    runner = await rows(left_behind)
    async with running_gateway(id="here") as rig:
        row = await rig.rows(Runner.objects.get, pk=runner.pk)
        assert row.gateway == ""
        assert row.detached_at is not None
    await rows.close()


@over_the_wire
async def test_a_gateway_at_work_is_told_from_one_that_was_killed_a_moment_ago() -> None:
    async with running_gateway(id="here") as rig:
        assert await rig.rows(one_lives, 20)

    def killed_just_now() -> Gateway:
        return make_gateway("killed")

    rows = Rows()
    await rows(killed_just_now)
    assert not await rows(one_lives, 0.5)
    await rows.close()


@pytest.mark.django_db
def test_runners_of_a_gateway_that_died_are_offline_and_of_others_stay() -> None:
    make_gateway("dead", seen_at=now() - timedelta(seconds=21))
    make_gateway("slow", seen_at=now() - timedelta(seconds=19))
    gone, there = make_runner(gateway="dead"), make_runner(gateway="slow")
    assert bury_dead(20) == 1
    assert bury_dead(20) == 0
    assert [Runner.objects.get(pk=r.pk).gateway for r in (gone, there)] == ["", "slow"]
    open_gateway("slow", "unix:/new")
    assert Runner.objects.get(pk=there.pk).gateway == ""


@over_the_wire
async def test_it_is_not_ready_when_its_sweep_fails() -> None:
    async with running_gateway(replace(QUICK, healthy=-1)) as rig:

        async def is_not_ready() -> bool:
            return await check(rig.internal) == "NOT_SERVING"

        await until(is_not_ready)


# ---- its ports


@over_the_wire
async def test_its_socket_is_in_a_directory_of_its_own() -> None:
    async with running_gateway() as rig:
        path = Path(rig.internal.removeprefix("unix:"))
        mode = await asyncio.to_thread(path.parent.stat)
        assert stat.S_IMODE(mode.st_mode) == 0o700


@over_the_wire
async def test_its_private_port_is_for_servers_only() -> None:
    async with running_gateway(internal="127.0.0.1:0") as rig:
        row = await rig.rows(Gateway.objects.get)
        assert row.address == f"127.0.0.1:{rig.gateway.ports.internal}"
        ca = rig.authority.ca_pem
        web = rig.authority.server_credentials("web", ["127.0.0.1"])
        servers = grpc.ssl_channel_credentials(ca, web.key_pem, web.certificate_pem)
        assert await check(row.address, servers) == "SERVING"
        runner = await rig.rows(make_runner, online=False)
        runners = grpc.ssl_channel_credentials(ca, *await rig.credentials(runner))
        assert await check(row.address, runners) == "PERMISSION_DENIED"
        assert await check(row.address, grpc.ssl_channel_credentials(ca)) == "UNAVAILABLE"
        assert await check(row.address) == "UNAVAILABLE"


@over_the_wire
async def test_a_port_that_is_taken_is_said_at_once() -> None:
    async with running_gateway() as rig:
        taken = f"127.0.0.1:{rig.gateway.ports.runners}"
        with pytest.raises(ExceptionGroup) as caught:
            async with running_gateway(runners=taken):
                pass
        assert "bind" in str(caught.value.exceptions[0])


def test_a_renewed_certificate_is_served_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ServerCertificate(Authority(tmp_path / "ca"), "here", ["127.0.0.1"])
    first = shown._fetch()
    assert shown._fetch() is first
    later = now() + timedelta(days=61)
    for module in ("pods.services.authority", "pods.gateway.listeners"):
        monkeypatch.setattr(f"{module}.now", lambda: later)
    assert shown._fetch() is not first


def test_connections_are_kept_alive_as_measured() -> None:
    options = dict(listeners.OPTIONS)
    assert options["grpc.keepalive_time_ms"] == 10_000
    assert options["grpc.http2.ping_timeout_ms"] == 5_000
    assert options["grpc.http2.min_ping_interval_without_data_ms"] == 5_000
    assert options["grpc.http2.bdp_probe"] == 0


# ---- what it looks after


@over_the_wire
async def test_a_wake_up_finds_the_sender_from_another_thread() -> None:
    async with running_gateway(replace(QUICK, sweep=600)) as rig:
        runner = await rig.rows(make_runner, online=False)
        async with rig.session(runner) as link:
            first = await rig.rows(queue, runner)
            await asyncio.to_thread(wakeups.wake, runner.pk)
            assert (await link.next("command")).id == first
        await rig.until(lambda: Runner.objects.get(pk=runner.pk).gateway == "")
        wakeups.wake(runner.pk)  # nobody's: nothing happens


@over_the_wire
async def test_a_waiting_pod_is_placed_when_its_runner_attaches() -> None:
    def waiting(runner: Runner) -> Pod:
        pod = make_pod(organization=runner.organization, state=PodState.PENDING)
        workspace = make_pod(runner=runner, state=PodState.TERMINATED).workspace
        Pod.objects.filter(pk=pod.pk).update(workspace=workspace, spec={"argv": ["sh"], "env": {}})
        return pod

    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        pod = await rig.rows(waiting, runner)
        async with rig.session(runner, capacity=1) as link:
            command = await link.next("command")
            assert (command.kind, command.pod) == ("start", pod.key)
            assert await rig.rows(pod_is, pod, PodState.STARTING)
            await link.ack(command)
            await link.result(command.id, result={"isolation": "none"})
            await rig.until(pod_is, pod, PodState.RUNNING)


@over_the_wire
async def test_two_gateways_that_claim_one_runner_agree_on_the_newer() -> None:
    async with running_gateway() as first, running_gateway(authority=first.authority) as second:
        runner = await first.rows(make_runner, online=False)
        async with first.session(runner) as old, second.session(runner) as new:
            code, _, _ = await old.end()
            assert code.name == "ABORTED"
            id_ = await second.rows(queue, runner)
            command = await new.next("command")
            await new.result(command.id)
            await second.until(command_is, id_, "done")
            assert (await second.rows(Runner.objects.get, pk=runner.pk)).epoch == 2


# ---- its pool


async def test_the_pool_raises_what_its_work_raises_and_leaves_no_thread() -> None:
    pool = Pool()

    def fail() -> None:
        raise StaleEpochError

    with pytest.raises(StaleEpochError):
        await pool.run(fail)
    assert await pool.run(lambda: 7) == 7
    await pool.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("orm")]
