"""Releases over a Runner's own connection: fetched from any offset, asked for at the machine, followed step by step."""

import json
from pathlib import Path

import grpc
import pytest
from grpc import aio

from pods.models import Runner, UpdateAttempt
from pods.services import releases, updates
from pods.services.updates import Wish
from proto.mesh.v1 import runner_pb2 as pb
from tests import builders
from tests.pods.gateway.rig import WITHIN, running_gateway
from tests.pods.releases import FITS, Press

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = {"speaks_highest": 2, "version": "0.1.0", **FITS}


@pytest.fixture
def press(settings: object, tmp_path: Path) -> Press:
    return Press(settings, tmp_path / "releases")


async def fetched(link, sha256: str, offset: int = 0) -> bytes:
    call = link.stub.FetchRelease(pb.ReleaseRequest(sha256=sha256, offset=offset), timeout=WITHIN)
    return b"".join([chunk.data async for chunk in call])


async def test_an_archive_is_handed_out_from_any_offset(press: Press) -> None:
    async with running_gateway() as rig:
        data = bytes(range(256)) * 1000
        release = await rig.rows(press.publish, "0.2.0", data=data)
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as link:
            assert await fetched(link, release.sha256) == data
            assert await fetched(link, release.sha256, 100_001) == data[100_001:]
            assert await fetched(link, release.sha256, len(data)) == b""
            for offset, code in ((len(data) + 1, "OUT_OF_RANGE"), (0, "NOT_FOUND")):
                if code == "NOT_FOUND":
                    await rig.rows(releases.withdraw, release)
                with pytest.raises(aio.AioRpcError) as refused:
                    await fetched(link, release.sha256, offset)
                assert refused.value.code() == grpc.StatusCode[code]


async def test_the_welcome_names_the_key(press: Press) -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.dial(runner) as link:
            await link.say_hello()
            assert (await link.welcome()).release_key == press.key.public_key().public_bytes_raw()


async def test_an_update_is_sent_followed_and_ended(press: Press) -> None:
    async with running_gateway() as rig:
        await rig.rows(press.publish, "0.2.0")
        cast = await rig.rows(builders.make_cast)
        runner = await rig.rows(builders.make_runner, cast.organization, online=False)
        alice = await rig.rows(builders.actor_of, cast.alice)
        async with rig.session(runner, **HELLO) as link:
            found = await rig.rows(Runner.objects.get, pk=runner.pk)
            attempt = await rig.rows(updates.ask_update, found, by=alice, wish=Wish())
            command = await link.next("command")
            assert (command.kind, command.pod) == ("update", "")
            assert json.loads(command.payload_json)["version"] == "0.2.0"
            await link.ack(command)
            step = pb.UpdateStep(command_id=command.id, step="waiting", text="…", at_ms=5)
            await link.say(update_step=step)
            of_it = UpdateAttempt.objects.filter(pk=attempt.pk)
            await rig.until(of_it.filter(state="working").exists)
            assert (await rig.rows(Runner.objects.get, pk=runner.pk)).updating_since
        async with rig.session(runner, **HELLO | {"version": "0.2.0"}) as link:
            await link.result(command.id, result={"version": "0.2.0", "steps": []})
            await rig.until(of_it.filter(state="done").exists)
            assert not (await rig.rows(Runner.objects.get, pk=runner.pk)).updating_since


async def test_somebody_at_the_machine_asks_for_its_update(press: Press) -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner, **HELLO) as link:
            with pytest.raises(aio.AioRpcError, match="no release for"):
                await link.stub.AskUpdate(pb.UpdateRequest(), timeout=WITHIN)
            await rig.rows(press.publish, "0.2.0")
            reply = await link.stub.AskUpdate(pb.UpdateRequest(mode="drain"), timeout=WITHIN)
            assert reply.version == "0.2.0"
            payload = json.loads((await link.next("command")).payload_json)
            assert payload["mode"] == "drain"
