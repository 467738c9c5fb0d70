"""A Session with a Gateway: what is said, heard, answered and repeated."""

import asyncio

import pytest

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent.messages import CommandResult, InstalledAgent, PodReport, Progress
from runner_agent.session_messages import AgentsFound

SOON_S = 5.0


async def test_the_hello_says_what_this_runner_is(linking, identity, gateway):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        hello = await session.welcome()
        assert (hello.speaks_lowest, hello.speaks_highest) == (1, 2)
        assert (hello.capacity, dict(hello.labels)) == (3, {"zone": "a"})


async def test_a_command_reaches_the_runner_as_it_was_sent(linking, identity, gateway, runner):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await session.command("c1", "start", "pod-1", 4, argv=["bash"])
        async with asyncio.timeout(SOON_S):
            command = await runner.commands.get()
    assert (command.id, command.seq, command.kind, command.pod) == ("c1", 4, "start", "pod-1")
    assert command.payload == {"argv": ["bash"]}
    assert command.expires_in_s is None


async def test_what_cannot_be_read_is_passed_over_and_the_session_goes_on(
    linking, identity, gateway, runner
):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await session.say(pb.ToRunner())
        await session.say(pb.ToRunner(command=pb.Command(id="bad", payload_json=b"[")))
        await session.command("good")
        async with asyncio.timeout(SOON_S):
            assert (await runner.commands.get()).id == "good"


async def test_a_question_of_time_is_answered_at_once_and_an_answer_is_not(
    linking, identity, gateway
):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await session.say(pb.ToRunner(heartbeat=pb.Heartbeat(sent_at_ms=5, echo_ms=3)))
        await session.say(pb.ToRunner(heartbeat=pb.Heartbeat(sent_at_ms=77)))
        while not (beat := await session.heard("heartbeat")).echo_ms:
            assert beat.sent_at_ms > 0
        assert beat.echo_ms == 77


async def test_a_small_answer_travels_on_the_session(linking, identity, gateway, runner):
    runner.answer_body = b"small"
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await session.say(pb.ToRunner(question=pb.Question(id="q1", kind="screen", pod="p")))
        answer = await session.heard("answer")
        assert (answer.question_id, answer.body) == ("q1", b"small")


async def test_a_large_answer_travels_as_a_call_of_its_own(linking, identity, gateway, runner):
    runner.answer_body = b"x" * 100_000
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await session.say(pb.ToRunner(question=pb.Question(id="q1", kind="output", pod="p")))
        async with asyncio.timeout(SOON_S):
            answer = await gateway.answers.get()
        assert (answer.question_id, len(answer.body)) == ("q1", 100_000)


async def test_a_result_is_said_in_each_session_until_it_is_confirmed(
    linking, identity, gateway, runner
):
    runner.outbox.result(CommandResult("c1", "done", {"pid": 1}))
    async with linking.run(identity(), gateway.address):
        for _ in range(2):
            session = await gateway.session()
            await session.welcome()
            assert (await session.heard("command_result")).id == "c1"
            session.end()
        session = await gateway.session()
        await session.welcome()
        await session.say(pb.ToRunner(results_received=pb.ResultsReceived(ids=["c1"])))
        async with asyncio.timeout(SOON_S):
            assert await runner.forgotten.get() == "c1"
        session.end()
        session = await gateway.session()
        await session.welcome()
        runner.outbox.result(CommandResult("c2", "done"))
        assert (await session.heard("command_result")).id == "c2"


async def test_the_end_of_a_pod_is_said_until_it_is_received_and_running_only_once(
    linking, identity, gateway, runner
):
    runner.outbox.report(PodReport("pod-1", "running"))
    runner.outbox.report(PodReport("pod-1", "ended", exit_code=3))
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        said = [await session.heard("pod_report") for _ in range(2)]
        assert [report.state for report in said] == [pb.PodReport.RUNNING, pb.PodReport.ENDED]
        session.end()
        session = await gateway.session()
        await session.welcome()
        report = await session.heard("pod_report")
        assert (report.state, report.exit_code) == (pb.PodReport.ENDED, 3)
        await session.say(pb.ToRunner(report_received=pb.ReportReceived(pod="pod-1")))
        async with asyncio.timeout(SOON_S):
            assert await runner.forgotten.get() == "pod-1"


async def test_progress_made_while_nobody_listened_is_told_by_its_newest_line(
    linking, identity, gateway, runner
):
    for line in ("cloning 1 %", "cloning 99 %"):
        runner.outbox.progress(Progress("pod-1", "workspace", line))
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        assert (await session.heard("pod_progress")).text == "cloning 99 %"


async def test_what_was_installed_since_the_hello_is_said(linking, identity, gateway, runner):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome(protocol=2)
        runner.outbox.agents(AgentsFound((InstalledAgent("claude", "2.1.330", "/p"),)))
        found = await session.heard("agents_found")
        assert [(one.slug, one.version, one.path) for one in found.agents] == [
            ("claude", "2.1.330", "/p")
        ]


async def test_leaving_says_all_that_is_unsaid_and_then_goodbye(linking, identity, gateway, runner):
    link = linking.make(identity(), gateway.address)
    async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
        task = group.create_task(link.run())
        session = await gateway.session()
        await session.welcome()
        await session.heard("heartbeat")  # served, not just welcomed
        runner.outbox.result(CommandResult("c1", "done"))
        leaving = group.create_task(link.leave())
        assert (await session.heard("command_result")).id == "c1"
        assert (await session.heard("goodbye")).reason == pb.Goodbye.STOPPING
        session.end()
        await leaving
        await task  # it dials no more


@pytest.mark.parametrize("size", [3, 300])
async def test_a_burst_of_commands_keeps_its_order(linking, identity, gateway, runner, size):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        for number in range(size):
            await session.command(f"c{number}", seq=number)
        async with asyncio.timeout(SOON_S):
            got = [(await runner.commands.get()).seq for _ in range(size)]
    assert got == list(range(size))
