"""A Runner that speaks the previous protocol, and nothing else, with the server of today."""

import asyncio
import json
from typing import Any

import pytest
from grpc import aio

from pods.errors import RefusedError
from pods.lifecycle import PodState
from pods.models import Pod, Runner
from pods.services.pods import PodRequest, create_pod
from pods.services.updates import Wish, ask_update
from tests import builders
from tests.pods.gateway.rig import WITHIN, pod_is, running_gateway
from tests.protocols.before import Protocol

pytestmark = pytest.mark.django_db(transaction=True)


class Before:
    """A Session of that Runner."""

    def __init__(self, protocol: Protocol, channel: aio.Channel) -> None:
        self.protocol = protocol
        self._call = protocol.session(channel)

    async def say(self, **message: Any) -> None:
        await self._call.write(self.protocol.FromRunner(**message))

    async def hello(self, **fields: Any) -> Any:
        number = self.protocol.number
        speaks = {"speaks_lowest": number, "speaks_highest": number, "version": "0.0.9"}
        await self.say(hello=self.protocol.Hello(**speaks, **fields))
        return await self.next("welcome")

    async def next(self, kind: str) -> Any:
        async with asyncio.timeout(WITHIN):
            while True:
                message = await self._call.read()
                assert message is not aio.EOF
                said = message.WhichOneof("message")
                assert said, "the server said a word that this Runner cannot know"
                if said == kind:
                    return getattr(message, kind)

    async def command(self, kind: str) -> tuple[Any, dict[str, Any]]:
        command = await self.next("command")
        assert command.kind == kind
        await self.say(command_ack=self.protocol.CommandAck(id=command.id))
        return command, json.loads(command.payload_json)

    async def done(self, command: Any, **result: Any) -> None:
        said = self.protocol.CommandResult(
            id=command.id, state="done", result_json=json.dumps(result).encode()
        )
        await self.say(command_result=said)
        assert command.id in (await self.next("results_received")).ids


def waiting(cast: builders.Cast, runner: Runner, **wish: Any) -> Pod:
    builders.built_in("custom")
    request = PodRequest(
        agent_type="custom", argv=("sh", "-c", "true"), runner=str(runner.pk), **wish
    )
    return create_pod(by=builders.actor_of(cast.alice), request=request)


async def test_it_is_welcomed_starts_a_pod_and_tells_its_end() -> None:
    async with running_gateway() as rig:
        cast = await rig.rows(builders.make_cast)
        runner = await rig.rows(builders.make_runner, cast.organization, online=False)
        async with rig.dial(runner) as dialled:
            link = Before(Protocol(), dialled.channel)
            welcome = await link.hello(capacity=4, isolation="none")
            assert welcome.protocol == 1
            pod = await rig.rows(waiting, cast, runner)
            start, payload = await link.command("start")
            assert payload["argv"] == ["sh", "-c", "true"]  # where a Runner of then looks for it
            assert isinstance(payload["env"], dict)
            await link.done(start, pid=1, isolation="none", workspace={}, token_digest="0" * 64)
            await rig.until(pod_is, pod, PodState.RUNNING)
            ended = link.protocol.PodReport(pod=pod.key, state=2, exit_code=0, end_offset=3)
            await link.say(pod_report=ended)
            assert (await link.next("report_received")).pod == pod.key
            await rig.until(pod_is, pod, PodState.COMPLETED)


async def test_its_first_prompt_reaches_it_as_a_prompt_of_then() -> None:
    async with running_gateway() as rig:
        cast = await rig.rows(builders.make_cast)
        runner = await rig.rows(builders.make_runner, cast.organization, online=False)
        async with rig.dial(runner) as dialled:
            link = Before(Protocol(), dialled.channel)
            await link.hello(capacity=4, isolation="none")
            pod = await rig.rows(waiting, cast, runner, prompt="say hello")
            start, payload = await link.command("start")
            await link.done(start, pid=1, isolation="none", workspace={}, token_digest="0" * 64)
            await rig.until(pod_is, pod, PodState.RUNNING)
            if payload.get("prompt"):
                assert payload["prompt"] == "say hello"
                return
            prompt, payload = await link.command("prompt")
            assert (prompt.pod, payload["text"]) == (pod.key, "say hello")
            await link.done(prompt, offset=10)


async def test_it_is_not_asked_to_update_itself() -> None:
    """It would not know how: the person is told to do it by hand."""
    async with running_gateway() as rig:
        cast = await rig.rows(builders.make_cast)
        runner = await rig.rows(builders.make_runner, cast.organization, online=False)
        async with rig.dial(runner) as dialled:
            await Before(Protocol(), dialled.channel).hello()
            found = await rig.rows(Runner.objects.get, pk=runner.pk)
            assert found.protocol == 1
            alice = await rig.rows(builders.actor_of, cast.alice)
            with pytest.raises(RefusedError, match="by hand"):
                await rig.rows(ask_update, found, by=alice, wish=Wish())
