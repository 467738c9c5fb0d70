"""A text typed into an agent when it is idle: in order, once, and not into a Pod that has ended."""

import asyncio

import pytest

from runner_agent.messages import Command, CommandError
from tests.runner_agent.pods.rig import daemon, supervised

READER = ["sh", "-c", 'stty -echo; echo ready; while read -r line; do echo "<$line>"; done']


def command(pod, text, id_="c1"):
    return Command(id_, 1, "prompt", pod, {"pod": pod, "text": text})


async def test_it_is_typed_with_enter_once_the_agent_is_quiet(config):
    async with supervised(config) as rig:
        host = await rig.start(READER)
        result = await rig.supervisor.do(command(host.pod, "two words"))
        assert "<two words>" in await rig.shows(host, "words>")
        assert [step["step"] for step in result["steps"]] == ["typed", "submitted"]


async def test_several_go_in_in_the_order_they_came(config):
    async with supervised(config) as rig:
        host = await rig.start(READER)
        async with asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(
                    rig.supervisor.do(command(host.pod, f"text {number}", f"c{number}"))
                )
        shown = await rig.shows(host, "<text 2>")
        assert shown.index("<text 0>") < shown.index("<text 1>") < shown.index("<text 2>")


async def test_an_agent_at_work_is_not_disturbed(config):
    async with supervised(config) as rig:
        at_work = (
            'for i in 1 2 3 4 5 6; do echo tick; sleep 0.5; done; echo done; read -r x; echo "<$x>"'
        )
        host = await rig.start(["sh", "-c", at_work])
        await rig.supervisor.do(command(host.pod, "hello"))
        shown = await rig.shows(host, "<hello>")
        assert shown.index("done") < shown.index("hello")


async def test_a_pod_that_ends_first_is_said_so(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "sleep 0.5"])
        with pytest.raises(CommandError) as refused:
            await rig.supervisor.do(command(host.pod, "hello"))
        assert refused.value.code == "pod_ended"
        with pytest.raises(CommandError) as refused:
            await rig.supervisor.do(command("pod-nobody", "hello"))
        assert refused.value.code == "pod_ended"


async def test_what_a_restart_cut_off_is_typed_to_its_end_and_once(config):
    async with daemon(config) as rig:
        host = await rig.start(READER)
        pod = host.pod
        await rig.supervisor.do(command(pod, "only once"))
        await rig.shows(host, "<only once>")
    async with supervised(config) as rig:
        host = rig.hosts.get(pod)
        await rig.supervisor.do(command(pod, "only once"))  # its result was lost
        await rig.supervisor.do(command(pod, "another", "c2"))
        shown = await rig.shows(host, "<another>")
        assert shown.count("<only once>") == 1
