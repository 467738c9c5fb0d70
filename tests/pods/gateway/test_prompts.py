"""Prompts through a Session: handed on by what the Runner says, and by the gateway's own sweep where nobody asked."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pods.lifecycle import AgentState
from pods.models import Pod, Prompt, Runner
from pods.services.prompts import queue_prompt
from proto.mesh.v1 import runner_pb2
from tests import builders
from tests.pods.gateway.rig import ScriptedRunner, running_gateway

pytestmark = pytest.mark.django_db(transaction=True)


def make(count: int, **fields: Any) -> tuple[Runner, Pod]:
    """A running Pod on a Runner that is away, with so many prompts in its queue."""
    cast = builders.make_cast()
    runner = builders.make_runner(cast.organization, online=False)
    pod = builders.make_pod(runner=runner, owner=cast.bob, **fields)
    for number in range(1, count + 1):
        queue_prompt(pod, by=builders.actor_of(cast.bob), text=f"text {number}")
    return runner, pod


def is_(number: int, state: str) -> Callable[[], bool]:
    return lambda: Prompt.objects.get(number=number).state == state


def text_of(command: Any) -> str:
    return str(json.loads(command.payload_json)["text"])


def has(pod: Pod) -> dict[str, Any]:
    return {"pods": [runner_pb2.PodReport(pod=pod.key, state=runner_pb2.PodReport.RUNNING)]}


async def step(link: ScriptedRunner, command: Any, name: str, evidence: str) -> None:
    said = runner_pb2.PromptStep(command_id=command.id, step=name, evidence=evidence, at_ms=1_000)
    await link.say(prompt_step=said)


async def is_doing(link: ScriptedRunner, pod: Pod, state: str) -> None:
    await link.say(agent_status=runner_pb2.AgentStatus(pod=pod.key, state=state, source="title"))


async def test_they_go_out_one_after_the_other_each_with_its_receipts() -> None:
    async with running_gateway() as rig:
        runner, pod = await rig.rows(make, 2)
        async with rig.session(runner, **has(pod)) as link:
            command = await link.next("command")
            assert (command.kind, text_of(command)) == ("prompt", "text 1")
            await link.ack(command)
            await step(link, command, "typed", "in the box")
            await rig.until(is_(1, "typed"))
            steps = [
                {"step": "typed", "at_ms": 1_000, "evidence": "in the box"},
                {"step": "started", "at_ms": 2_000, "evidence": "title"},
            ]
            await link.result(command.id, result={"steps": steps})
            assert text_of(await link.next("command")) == "text 2"
            assert await rig.rows(is_(1, "started"))


async def test_one_for_idle_goes_out_when_the_runner_says_that_its_agent_is() -> None:
    async with running_gateway() as rig:
        runner, pod = await rig.rows(make, 1, agent_state=AgentState.WORKING)
        async with rig.session(runner, **has(pod)) as link:
            await is_doing(link, pod, "waiting")
            await rig.until(lambda: Pod.objects.get(pk=pod.pk).agent_state == "waiting")
            assert await rig.rows(is_(1, "queued"))
            await is_doing(link, pod, "idle")
            assert text_of(await link.next("command")) == "text 1"


async def test_what_nobody_asked_for_is_found_by_the_sweep() -> None:
    """As after a crash between the commit and the look at the queue."""
    async with running_gateway() as rig:
        runner, pod = await rig.rows(make, 0)
        async with rig.session(runner, **has(pod)) as link:
            fields = {"author_kind": "system", "author_name": "", "number": 1, "place": 1}
            await rig.rows(Prompt.objects.create, pod=pod, text="left behind", **fields)
            assert text_of(await link.next("command")) == "left behind"


async def test_one_that_was_sent_is_sent_again_to_a_runner_that_comes_back_and_typed_once() -> None:
    async with running_gateway() as rig:
        runner, pod = await rig.rows(make, 1)
        credentials = await rig.credentials(runner)
        async with rig.dial(runner, credentials) as link:
            await link.say_hello(**has(pod))
            await link.welcome()
            first = await link.next("command")
        async with rig.dial(runner, credentials) as link:
            await link.say_hello(**has(pod))
            await link.welcome()
            again = await link.next("command")
            assert again.id == first.id
            await link.result(again.id, state="failed", error_code="not_ready", error="A dialog.")
            await rig.until(is_(1, "failed"))
            evidence = await rig.rows(lambda: Prompt.objects.get().receipts.last().evidence)
            assert evidence == "A dialog."
