"""A Runner's Session: welcome, Commands in order, results, and how it ends."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from pods.models import Runner
from proto.mesh.v1 import runner_pb2
from tests import builders
from tests.pods.gateway.rig import QUICK, command_is, queue, running_gateway, states

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_runner_is_welcomed_and_its_row_says_where_it_is() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner, hostname="box", labels={"gpu": "no"}, capacity=4) as link:
            assert link.epoch == 1
            row = await rig.rows(Runner.objects.get, pk=runner.pk)
            assert (row.epoch, row.hostname, row.capacity) == (1, "box", 4)
            assert row.labels == {"gpu": "no"}
            assert row.gateway.startswith("gateway-")
            assert frozenset([runner.pk]) in rig.wishes
        await rig.until(lambda: Runner.objects.get(pk=runner.pk).gateway == "")
        assert rig.wishes[-1] == frozenset()


async def test_commands_arrive_in_order_and_are_settled_once() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        ids = await rig.rows(lambda: [queue(runner) for _ in range(100)])
        async with rig.session(runner) as link:
            came = []
            for _ in ids:
                command = await link.next("command")
                came.append(command.id)
                await link.ack(command)
                await link.result(command.id)
            assert came == ids
            await rig.until(lambda: set(states(*ids)) == {"done"})


async def test_a_command_queued_while_the_session_lives_is_found_without_any_wake_up() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as link:
            id_ = await rig.rows(queue, runner)
            assert (await link.next("command")).id == id_
            await rig.until(command_is, id_, "sent")


async def test_no_more_than_the_window_is_sent_before_an_ack() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        ids = await rig.rows(lambda: [queue(runner) for _ in range(40)])
        async with rig.session(runner) as link:
            first = [await link.next("command") for _ in range(32)]
            assert (await rig.rows(states, *ids)).count("sent") == 32
            await link.ack(first[0])
            assert (await link.next("command")).id == ids[32]


async def test_what_was_sent_and_not_acknowledged_is_sent_again_to_the_next_session() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        ids = await rig.rows(lambda: [queue(runner) for _ in range(3)])
        async with rig.session(runner) as link:
            commands = [await link.next("command") for _ in ids]
            await link.ack(commands[0])
            await rig.until(command_is, ids[0], "acked")
        async with rig.session(runner, unfinished_commands=[ids[0]]) as link:
            assert link.epoch == 2
            assert [(await link.next("command")).id for _ in ids[1:]] == ids[1:]
            assert await rig.rows(states, *ids) == ["acked", "sent", "sent"]


async def test_results_are_confirmed_also_when_they_come_twice() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        id_ = await rig.rows(queue, runner)
        async with rig.session(runner) as link:
            command = await link.next("command")
            await link.result(command.id, result={"exit_code": 0})
            assert list((await link.next("results_received")).ids) == [id_]
            await link.result(command.id, "failed")
            assert list((await link.next("results_received")).ids) == [id_]
            assert await rig.rows(states, id_) == ["done"]


async def test_a_newer_session_closes_the_older_one_with_a_word() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as old, rig.session(runner) as new:
            code, _, goodbye = await old.end()
            assert code.name == "ABORTED"
            assert goodbye.reason == runner_pb2.Goodbye.SUPERSEDED
            id_ = await rig.rows(queue, runner)
            assert (await new.next("command")).id == id_
            assert rig.gateway.sessions.get(runner.pk).epoch == 2


async def test_stopping_the_gateway_lets_each_runner_know() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as link:
            rig.gateway.stop()
            code, _, goodbye = await link.end()
            assert code.name == "UNAVAILABLE"
            assert goodbye.reason == runner_pb2.Goodbye.DRAINING
            await rig.until(lambda: Runner.objects.get(pk=runner.pk).gateway == "")


async def test_versions_without_a_common_one_part_with_a_sentence() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.dial(runner) as link:
            await link.say_hello(speaks_lowest=7, speaks_highest=9)
            code, text, goodbye = await link.end()
            assert code.name == "FAILED_PRECONDITION"
            assert goodbye.reason == runner_pb2.Goodbye.PROTOCOL
            assert "7 to 9" in text
            assert "1 to 2" in text
            assert (await rig.rows(Runner.objects.get, pk=runner.pk)).epoch == 0


async def test_a_heartbeat_that_asks_is_answered_and_one_that_answers_is_measured() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as link:
            await link.say(heartbeat=runner_pb2.Heartbeat(sent_at_ms=12345))
            while (beat := await link.next("heartbeat")).echo_ms == 0:
                asked = beat
                await link.say(
                    heartbeat=runner_pb2.Heartbeat(
                        sent_at_ms=asked.sent_at_ms + 60_000, echo_ms=asked.sent_at_ms
                    )
                )
            assert beat.echo_ms == 12345
            row = await rig.until(
                lambda: Runner.objects.filter(pk=runner.pk, round_trip_ms__isnull=False).first()
            )
            assert 0 <= row.round_trip_ms < 5000
            assert 55_000 < row.clock_offset_ms < 65_000


async def test_a_silent_runner_is_let_go() -> None:
    async with running_gateway(replace(QUICK, silence=0.3)) as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as link:
            code, text, _ = await link.end()
            assert code.name == "UNAVAILABLE"
            assert "Nothing was heard" in text
        await rig.until(lambda: Runner.objects.get(pk=runner.pk).gateway == "")


async def test_a_runner_that_dials_and_says_nothing_is_let_go() -> None:
    async with running_gateway(replace(QUICK, hello=0.2)) as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.dial(runner) as link:
            link.call = link.stub.Session()
            code, _, _ = await link.end()
            assert code.name == "DEADLINE_EXCEEDED"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_gateway_that_stops_sends_its_runners_away_one_after_the_other() -> None:
    async with running_gateway() as rig, AsyncExitStack() as open_sessions:
        links = []
        for _ in range(3):
            runner = await rig.rows(builders.make_runner, online=False)
            links.append(await open_sessions.enter_async_context(rig.session(runner)))
        rig.gateway.stop()
        ended = []
        for link in links:
            _, _, goodbye = await link.end()
            assert goodbye.reason == runner_pb2.Goodbye.DRAINING
            ended.append(asyncio.get_running_loop().time())
        assert ended[0] + 0.3 < ended[2]
