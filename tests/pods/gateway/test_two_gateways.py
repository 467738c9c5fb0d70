"""Two Gateways and one Runner: its newest Session wins, the old one is closed, and nothing is delivered twice."""

from dataclasses import replace

import pytest

from pods.gateway.session import Session
from pods.lifecycle import PodState
from pods.models import Runner
from proto.mesh.v1 import runner_pb2
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import QUICK, command_is, pod_is, queue, running_gateway

pytestmark = pytest.mark.django_db(transaction=True)

BLIND = replace(QUICK, sweep=1000, heartbeat=1000)  # sees nothing by itself


async def test_the_older_sessions_gateway_finds_out_and_closes_it() -> None:
    async with running_gateway() as one, running_gateway(authority=one.authority) as two:
        runner = await one.rows(make_runner, online=False)
        async with one.session(runner) as old, two.session(runner) as new:
            code, _, goodbye = await old.end()
            assert (code.name, goodbye.reason) == ("ABORTED", runner_pb2.Goodbye.SUPERSEDED)
            row = await one.rows(Runner.objects.get, pk=runner.pk)
            assert (row.epoch, row.gateway) == (2, two.name)
            assert new.epoch == 2
            assert one.gateway.sessions.get(runner.pk) is None


async def test_each_command_is_delivered_by_one_of_them() -> None:
    async with (
        running_gateway(BLIND) as one,
        running_gateway(BLIND, authority=one.authority) as two,
    ):
        runner = await one.rows(make_runner, online=False)
        async with one.session(runner) as old:
            first = await one.rows(queue, runner)
            one.gateway.sessions.get(runner.pk).wake()
            assert (await old.next("command")).id == first
            asked_first = one.gateway.sessions.get(runner.pk)
            async with two.session(runner) as new:
                ids = [first]
                while (
                    not asked_first.closing.is_set()
                ):  # the newer one may still be at its first look
                    ids.append(await one.rows(queue, runner))
                    asked_first.wake()
                    await one.until(_is_noticed, asked_first, ids[-1])
                _, _, goodbye = await old.end()
                assert goodbye.reason == runner_pb2.Goodbye.SUPERSEDED
                two.gateway.sessions.get(runner.pk).wake()
                assert [(await new.next("command")).id for _ in ids] == ids


def _is_noticed(older: Session, id_: str) -> bool:
    """That there is a newer one, or else by that one the Command."""
    return older.closing.is_set() or command_is(id_, "sent")


async def test_what_the_older_session_says_is_not_written() -> None:
    async with (
        running_gateway(BLIND) as one,
        running_gateway(authority=one.authority) as two,
    ):
        runner = await one.rows(make_runner, online=False)
        pod = await one.rows(make_pod, runner=runner)
        told = [{"pod": pod.key, "state": runner_pb2.PodReport.RUNNING}]
        async with one.session(runner, pods=told) as old, two.session(runner, pods=told) as new:
            id_ = await two.rows(queue, runner)
            await new.next("command")
            await old.report(pod.key, runner_pb2.PodReport.ENDED, exit_code=1)
            await old.result(id_, "failed")
            _, _, goodbye = await old.end()
            assert goodbye.reason == runner_pb2.Goodbye.SUPERSEDED
            assert await two.rows(pod_is, pod, PodState.RUNNING)
            await new.result(id_)
            await two.until(command_is, id_, "done")
