"""Tools called through a Runner: as the Pod whose token is shown, if it lives and is that Runner's."""

import json

import pytest

from accounts.access import digest
from pods.gateway import tools
from pods.lifecycle import PodState
from pods.models import Pod
from proto.mesh.v1 import runner_pb2 as pb
from tests import builders
from tests.pods.gateway.rig import running_gateway

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(tools, "KNOWN_WITHIN_S", 0.0)


def make_pod(runner, token, **fields):
    return builders.make_pod(runner=runner, token_digest=digest(token), **fields)


async def call(link, token, name="get_pod", arguments=b"{}"):
    request = pb.ToolCall(pod_token=token, name=name, arguments_json=arguments)
    answer = await link.stub.CallTool(request, timeout=30)
    return answer, json.loads(answer.data_json)


async def test_the_list_comes_with_the_welcome():
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.dial(runner) as link:
            await link.say_hello()
            names = [tool["name"] for tool in json.loads((await link.welcome()).tools_json)]
            assert {"create_pod", "read_terminal", "wait_for_messages"} <= set(names)


async def test_a_pod_is_known_by_its_token():
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        pod = await rig.rows(make_pod, runner, "mine")
        async with rig.session(runner, pods=[pb.PodReport(pod=pod.key, state=1)]) as link:
            answer, data = await call(link, "mine")
            assert (data["key"], answer.is_error) == (pod.key, False)


async def test_tokens_that_are_no_living_pods_here_are_refused():
    async with running_gateway() as rig:
        runner, other = [await rig.rows(builders.make_runner, online=False) for _ in range(2)]
        await rig.rows(make_pod, other, "elsewhere")
        await rig.rows(make_pod, runner, "ended", state=PodState.COMPLETED)
        await rig.rows(make_pod, runner, "stopping", state=PodState.STOPPING)
        async with rig.session(runner) as link:
            for token in ("elsewhere", "ended", "stopping", "nobody", ""):
                answer, _ = await call(link, token)
                assert (answer.is_error, answer.error_code) == (True, "bad_pod_token"), token


async def test_a_pod_whose_start_is_not_settled_yet_is_waited_for(monkeypatch):
    monkeypatch.setattr(tools, "KNOWN_WITHIN_S", 30.0)
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        pod = await rig.rows(builders.make_pod, runner=runner, state=PodState.STARTING)
        command = await rig.rows(queue_start, runner, pod)
        async with rig.session(runner) as link:
            sent = await link.next("command")
            assert sent.id == str(command.pk)
            calling = call(link, "early")
            result = {"pid": 1, "isolation": "none", "token_digest": digest("early")}
            await link.result(sent.id, result=result)
            answer, data = await calling
            assert (data.get("key"), answer.is_error) == (pod.key, False), answer.text


def queue_start(runner, pod):
    from pods.services.commands import queue_command

    payload = {"pod": pod.key, "argv": ["sh"]}
    Pod.objects.filter(pk=pod.pk).update(state=PodState.PENDING)
    return queue_command(runner=runner, kind="start", payload=payload, pod=pod)


async def test_arguments_that_are_no_object_are_refused():
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        await rig.rows(make_pod, runner, "mine")
        async with rig.session(runner) as link:
            for wrong in (b"[]", b"{", b"1"):
                answer, _ = await call(link, "mine", arguments=wrong)
                assert answer.error_code == "bad_arguments"


async def test_what_a_tool_asks_of_a_runner_carries_the_id_of_its_call():
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        pod = await rig.rows(make_pod, runner, "mine")
        children = [
            await rig.rows(builders.make_pod, runner=runner, parent=pod, owner=pod.owner)
            for _ in range(2)
        ]
        alive = [pb.PodReport(pod=one.key, state=1) for one in (pod, *children)]
        async with rig.session(runner, pods=alive) as link:
            traces = []
            for child in children:
                said = json.dumps({"pod": child.key}).encode()
                answer, _ = await call(link, "mine", "terminate_pod", said)
                assert not answer.is_error, answer.text
                traces.append((await link.next("command")).trace)
            assert all(traces)
            assert len(set(traces)) == 2
