"""Another certificate authority takes the place of this one, and nobody is cut off on the way."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio

from pods.errors import ConflictError
from pods.models import Certificate, Runner
from pods.services import rotation
from pods.services.authority import authority
from proto.mesh.v1 import runner_pb2
from tests.builders import make_runner
from tests.pods.gateway.rig import certify, csr_of, new_key, running_gateway

over_the_wire = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_authority(settings: Any, tmp_path: Path) -> None:
    settings.CA_DIR = tmp_path / "ca"


def renews(runner: Runner) -> None:
    """And dials with it."""
    certify(authority(), runner)
    newest = Certificate.objects.filter(runner=runner).latest("created_at")
    Runner.objects.filter(pk=runner.pk).update(attached_at=newest.created_at.replace(year=2100))


@pytest.mark.django_db
def test_each_step_waits_for_every_runner_that_may_work() -> None:
    here, away = make_runner(name="here"), make_runner(name="away")
    make_runner(name="gone", retired_at=here.created_at)
    rotation.begin()
    first = authority().ca_pem
    assert rotation.state().waits_for == ("away", "here")
    renews(here)
    with pytest.raises(ConflictError, match="away"):
        rotation.switch()
    renews(away)
    rotation.switch()
    assert authority().ca_pem != first
    assert authority().trusted_pem == authority().ca_pem + first
    assert rotation.state().waits_for == ("away", "here")
    with pytest.raises(ConflictError):
        rotation.finish()
    rotation.finish(force=True)
    assert authority().trusted_pem == authority().ca_pem
    assert rotation.state().phase == "standing"


@pytest.mark.django_db
def test_steps_out_of_turn_are_refused() -> None:
    for step in (rotation.switch, rotation.finish, rotation.roll_back):
        with pytest.raises(ConflictError, match="is standing"):
            step()
    rotation.begin()
    with pytest.raises(ConflictError, match="is begun"):
        rotation.begin()


@pytest.mark.django_db
def test_a_switch_is_taken_back_in_two_steps() -> None:
    before = authority().ca_pem
    rotation.begin()
    rotation.switch()
    rotation.roll_back()
    assert rotation.state().phase == "begun"
    assert authority().trusted_pem.startswith(before)
    rotation.roll_back()
    assert authority().trusted_pem == before
    assert sorted(path.name for path in authority().directory.glob("*.*")) == ["ca.key", "ca.pem"]


@pytest.mark.django_db
def test_a_switch_cut_short_between_its_files_is_done_whole_when_it_is_done_again() -> None:
    rotation.begin()
    ours = authority()
    old, new = ours.ca_pem, ours.pair("next")[1].read_bytes()
    key, signing, kept = ours.pair("next")[0], ours.pair("ca")[0], ours.pair("previous")[0]
    kept.write_bytes(signing.read_bytes())
    key.replace(signing)
    assert rotation.state().phase == "begun"
    rotation.switch()
    assert ours.trusted_pem == new + old
    make_runner()
    assert certify(ours, Runner.objects.get())


@over_the_wire
async def test_a_gateway_takes_both_then_the_new_one_alone_and_tells_its_runners() -> None:
    async with running_gateway(authority=authority()) as rig:
        runner = await rig.rows(make_runner, online=False)
        old = await rig.credentials(runner)
        async with rig.dial(runner, old) as link:
            await link.say_hello()
            await link.welcome()
            told = (await link.next("heartbeat")).trusted
            await rig.rows(rotation.begin)
            while (await link.next("heartbeat")).trusted in {"", told}:
                pass
            reply = await link.stub.Renew(runner_pb2.RenewRequest(csr_pem=csr_of(new_key())))
            assert reply.ca_pem == rig.authority.trusted_pem != rig.authority.ca_pem
            await rig.rows(lambda: rotation.switch(force=True))
            new = await rig.credentials(runner)
            for credentials in (old, new):
                async with rig.dial(runner, credentials) as again:
                    await again.say_hello()
                    await again.welcome()
        await rig.rows(lambda: rotation.finish(force=True))
        async with rig.dial(runner, new) as again:
            await again.say_hello()
            await again.welcome()
        async with rig.dial(runner, old) as refused:
            with pytest.raises(aio.AioRpcError) as caught:
                await refused.stub.Renew(runner_pb2.RenewRequest(csr_pem=csr_of(new_key())))
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
