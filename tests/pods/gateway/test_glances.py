"""What a card says of a Workspace comes by itself: its Runner is asked whenever the agent has come to rest."""

import json
from typing import Any

import pytest

from pods.models import Pod, Workspace
from proto.mesh.v1 import runner_pb2 as pb
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import Rig, ScriptedRunner, running_gateway

pytestmark = pytest.mark.django_db(transaction=True)


async def rest(link: ScriptedRunner, pod: Pod, state: str = "idle") -> pb.Question:
    await link.say(agent_status=pb.AgentStatus(pod=pod.key, state=state, source="hook"))
    return await link.next("question")


async def answer(link: ScriptedRunner, question: pb.Question, body: Any, **fields: str) -> None:
    said = pb.Answer(question_id=question.id, body=json.dumps(body).encode(), **fields)
    await link.say(answer=said)


def summary(pod: Pod) -> dict[str, Any]:
    return Workspace.objects.get(pods=pod).summary


async def alive(rig: Rig) -> tuple[Any, Pod]:
    runner = await rig.rows(make_runner, online=False)
    return runner, await rig.rows(make_pod, runner=runner)


async def test_an_agent_that_rests_has_its_changes_counted():
    async with running_gateway() as rig:
        runner, pod = await alive(rig)
        async with rig.session(runner, pods=[pb.PodReport(pod=pod.key, state=1)]) as link:
            question = await rest(link, pod)
            assert (question.kind, question.pod) == ("workspace", pod.key)
            found = {"git": True, "added": 12, "removed": 3, "ahead": 1, "dirty": True}
            await answer(link, question, {**found, "as_of": "2026-01-01T00:00:00Z"})
            await rig.until(lambda: summary(pod).get("added") == 12)
            assert await rig.rows(summary, pod) == {
                **{name: found[name] for name in ("added", "removed", "ahead", "dirty")},
                "as_of": "2026-01-01T00:00:00Z",
            }


async def test_what_is_no_count_counts_nothing_and_an_answer_that_is_none_ends_nothing():
    async with running_gateway() as rig:
        runner, pod = await alive(rig)
        async with rig.session(runner, pods=[pb.PodReport(pod=pod.key, state=1)]) as link:
            await answer(link, await rest(link, pod), {}, error_code="no_git", error="None.")
            await answer(link, await rest(link, pod, "waiting"), ["no object"])
            lies = {"git": True, "added": "<b>", "removed": -7, "ahead": 2}
            await answer(link, await rest(link, pod), lies)
            await rig.until(lambda: summary(pod).get("ahead") == 2)
            said = await rig.rows(summary, pod)
            assert (said["added"], said["removed"], said["dirty"]) == (0, 0, False)


async def test_a_runner_counts_only_in_its_own_workspaces():
    async with running_gateway() as rig:
        runner, mine = await alive(rig)
        _, foreign = await alive(rig)
        async with rig.session(runner, pods=[pb.PodReport(pod=mine.key, state=1)]) as link:
            for pod in (foreign, mine):
                await answer(link, await rest(link, pod), {"git": True, "added": 5})
            await rig.until(lambda: summary(mine).get("added") == 5)
            assert await rig.rows(summary, foreign) == {}
