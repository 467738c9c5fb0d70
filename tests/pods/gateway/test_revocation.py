"""A Runner that is revoked, disabled, retired or removed is let go while it is connected, and told why."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest
from django.utils.timezone import now
from grpc import aio

from pods.models import Certificate, Pod, Runner
from pods.services.authority import Authority
from pods.services.certificates import certificate_pem, key_pem
from proto.mesh.v1 import runner_pb2, runner_pb2_grpc
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import QUICK, Rig, csr_of, new_key, queue, running_gateway

pytestmark = pytest.mark.django_db(transaction=True)

Goodbye = runner_pb2.Goodbye
BLIND = replace(QUICK, sweep=600)  # only what is checked with each message can notice


def revoke(runner: Runner) -> None:
    Certificate.objects.filter(runner=runner).update(revoked_at=now())


def disable(runner: Runner) -> None:
    Runner.objects.filter(pk=runner.pk).update(disabled_at=now())


def retire(runner: Runner) -> None:
    revoke(runner)
    Runner.objects.filter(pk=runner.pk).update(retired_at=now())


def remove(runner: Runner) -> None:
    Runner.objects.filter(pk=runner.pk).delete()


def expire(runner: Runner) -> None:
    Certificate.objects.filter(runner=runner).update(not_after=now() - timedelta(seconds=1))


WAYS = [
    (revoke, Goodbye.REVOKED),
    (disable, Goodbye.DISABLED),
    (retire, Goodbye.REVOKED),
    (expire, Goodbye.REASON_UNSPECIFIED),
]


@pytest.mark.parametrize(("change", "reason"), [*WAYS, (remove, Goodbye.REVOKED)])
async def test_the_sweep_ends_the_live_session(
    change: Callable[[Runner], None], reason: Any
) -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        async with rig.session(runner) as link:
            await rig.rows(change, runner)
            _, _, goodbye = await link.end()
            assert goodbye.reason == reason
            assert goodbye.text != ""
        await rig.until(
            lambda: not Runner.objects.filter(pk=runner.pk).exclude(gateway="").exists()
        )


@pytest.mark.parametrize(("change", "reason"), WAYS)
async def test_each_message_is_checked_when_the_sweep_does_not_run(
    change: Callable[[Runner], None], reason: Any
) -> None:
    async with running_gateway(BLIND) as rig:
        runner = await rig.rows(make_runner, online=False)
        pod = await rig.rows(make_pod, runner=runner)
        async with rig.session(runner, pods=[{"pod": pod.key, "state": 1}]) as link:
            await rig.rows(change, runner)
            assert (await speaking_until_the_goodbye(link)).reason == reason
        found = await rig.rows(Pod.objects.filter(pk=pod.pk).first)
        assert found.state == "running"


async def speaking_until_the_goodbye(link: Any) -> Any:
    """The status of a call that is ended while its caller writes depends on which was first; the goodbye does not."""
    while True:
        await link.say(heartbeat={"sent_at_ms": 1})
        message = await link.call.read()
        if message.WhichOneof("message") == "goodbye":
            return message.goodbye


@pytest.mark.parametrize(
    ("change", "reason"), [(revoke, Goodbye.REVOKED), (disable, Goodbye.DISABLED)]
)
async def test_it_cannot_come_back_and_is_told_why(
    change: Callable[[Runner], None], reason: Any
) -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        credentials = await rig.credentials(runner)
        await rig.rows(change, runner)
        async with rig.dial(runner, credentials) as link:
            await link.say_hello()
            code, _, goodbye = await link.end()
            assert (code.name, goodbye.reason) == ("PERMISSION_DENIED", reason)
            for ask in (
                lambda: link.stub.Renew(runner_pb2.RenewRequest(csr_pem=csr_of(new_key()))),
                lambda: link.stub.SendAnswer(runner_pb2.Answer(question_id="x")),
            ):
                with pytest.raises(aio.AioRpcError) as caught:
                    await ask()
                assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        assert (await rig.rows(Runner.objects.get, pk=runner.pk)).epoch == 0


async def test_revoking_one_certificate_leaves_a_session_with_another() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        await rig.credentials(runner)
        await rig.rows(revoke, runner)
        async with rig.session(runner) as link:
            id_ = await rig.rows(queue, runner)  # a sweep finds it, and leaves the Session alone
            assert (await link.next("command")).id == id_


# ---- certificates that are none of ours


async def refused(rig: Rig, credentials: grpc.ChannelCredentials) -> str:
    address = f"127.0.0.1:{rig.gateway.ports.runners}"
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with aio.secure_channel(address, credentials, options=options) as channel:
        call = runner_pb2_grpc.RunnerLinkStub(channel).Session()
        try:
            hello = runner_pb2.Hello(speaks_lowest=1, speaks_highest=1)
            await call.write(runner_pb2.FromRunner(hello=hello))
            while await call.read() is not aio.EOF:
                pass
        except (aio.AioRpcError, aio.UsageError, asyncio.InvalidStateError):
            pass
        code = await call.code()
    return code.name


async def test_strangers_do_not_get_through_the_handshake(tmp_path: Any) -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        ca = rig.authority.ca_pem
        assert await refused(rig, grpc.ssl_channel_credentials(ca)) == "UNAVAILABLE"
        other = Authority(tmp_path / "other")
        key = new_key()
        signed = other.sign_runner(csr_of(key), runner.pk)
        forged = grpc.ssl_channel_credentials(ca, key_pem(key), certificate_pem(signed))
        assert await refused(rig, forged) == "UNAVAILABLE"


async def test_a_servers_certificate_is_no_runners() -> None:
    async with running_gateway() as rig:
        own = rig.authority.server_credentials("web", ["127.0.0.1"])
        tls = grpc.ssl_channel_credentials(rig.authority.ca_pem, own.key_pem, own.certificate_pem)
        assert await refused(rig, tls) == "UNAUTHENTICATED"


async def test_a_certificate_without_a_row_opens_nothing() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        credentials = await rig.credentials(runner)
        await rig.rows(lambda: Certificate.objects.all().delete())
        async with rig.dial(runner, credentials) as link:
            await link.say_hello()
            code, _, _ = await link.end()
            assert code.name == "PERMISSION_DENIED"
