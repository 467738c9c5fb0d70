"""A Runner's word is a claim: it can only speak of its own, and nothing it sends breaks the gateway."""

import json
from contextlib import suppress
from typing import Any

import pytest
from grpc import aio

from accounts.models import AuditEvent
from pods.gateway.cleaning import MalformedError, clean, clean_screen, json_object
from pods.gateway.wire import decode
from pods.lifecycle import PodState
from pods.messages import CommandResult
from pods.models import Command, Pod, PodEvent, Runner
from proto.mesh.v1 import runner_pb2
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import command_is, pod_is, queue, running_gateway

RUNNING, ENDED, LOST = (
    runner_pb2.PodReport.RUNNING,
    runner_pb2.PodReport.ENDED,
    runner_pb2.PodReport.LOST,
)
FOREIGN = "pod-foreig"


def said(**message: Any) -> runner_pb2.FromRunner:
    return runner_pb2.FromRunner(**message)


# ---- over the wire


async def settled(rig: Any, link: Any, runner: Runner) -> None:
    """A round trip: what was said before is settled by now."""
    id_ = await rig.rows(queue, runner)
    while (await link.next("command")).id != id_:
        pass
    await link.result(id_)
    await rig.until(command_is, id_, "done")


@pytest.mark.django_db(transaction=True)
async def test_it_cannot_speak_of_another_runners_pods_or_commands() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        other = await rig.rows(make_runner, online=False)
        pod = await rig.rows(make_pod, runner=other, key=FOREIGN)
        foreign = await rig.rows(queue, other)
        unsent = await rig.rows(queue, other, "terminate", pod)
        async with rig.session(runner) as link:
            for state in (RUNNING, ENDED, LOST):
                await link.report(FOREIGN, state, exit_code=1)
            screen = json.dumps({"text": "mine"}).encode()
            await link.say(kept_screen=runner_pb2.KeptScreen(pod=FOREIGN, screen_json=screen))
            await link.say(pod_progress=runner_pb2.PodProgress(pod=FOREIGN, step="ready", text="x"))
            await link.say(command_ack=runner_pb2.CommandAck(id=foreign))
            await link.result(unsent)
            await settled(rig, link, runner)
            assert await rig.rows(pod_is, pod, PodState.RUNNING)
            assert await rig.rows(command_is, foreign, "queued")
            assert await rig.rows(command_is, unsent, "queued")
            assert not await rig.rows(PodEvent.objects.filter(pod=pod).exists)
            assert rig.gateway.sessions.get(runner.pk).refused == 7
            audited = AuditEvent.objects.filter(action="runner.refused_claim")
            assert await rig.rows(audited.count) == 1


@pytest.mark.django_db(transaction=True)
async def test_it_cannot_finish_a_command_it_was_not_sent() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        await rig.rows(lambda: [queue(runner) for _ in range(33)])
        async with rig.session(runner) as link:
            for _ in range(32):
                await link.next("command")
            last = await rig.rows(Command.objects.filter(runner=runner).latest, "seq")
            await link.result(str(last.pk), result={"exit_code": 0})
            assert list((await link.next("results_received")).ids) == [str(last.pk)]
            assert await rig.rows(command_is, str(last.pk), "queued")


@pytest.mark.django_db(transaction=True)
async def test_what_makes_no_sense_is_refused_and_the_session_goes_on() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        pod = await rig.rows(make_pod, runner=runner)
        async with rig.session(runner, pods=[{"pod": pod.key, "state": RUNNING}]) as link:
            for nonsense in (
                {"pod_report": {"pod": pod.key, "state": ENDED, "end_offset": 2**63}},
                {"pod_report": {"pod": pod.key, "state": 0}},
                {"pod_report": {"pod": "../../x", "state": ENDED}},
                {"pod_progress": {"pod": pod.key, "step": "winning"}},
                {"kept_screen": {"pod": pod.key, "screen_json": b"\xff"}},
                {"command_ack": {"id": "1; DROP TABLE"}},
                {"command_result": {"id": "nobody", "state": "done"}},
                {"hello": {"speaks_lowest": 1, "speaks_highest": 1}},
                {},
            ):
                await link.say(**nonsense)
            await settled(rig, link, runner)
            assert rig.gateway.sessions.get(runner.pk).refused == 9
            assert await rig.rows(pod_is, pod, PodState.RUNNING)


@pytest.mark.django_db(transaction=True)
async def test_bytes_that_are_no_message_end_only_its_own_session() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        other = await rig.rows(make_runner, online=False)
        async with rig.session(other) as honest, rig.dial(runner) as link:
            raw = link.channel.stream_stream(
                "/mesh.v1.RunnerLink/Session",
                request_serializer=lambda data: data,
                response_deserializer=runner_pb2.ToRunner.FromString,
            )
            link.call = raw()
            hello = said(hello={"speaks_lowest": 1, "speaks_highest": 1})
            await link.call.write(hello.SerializeToString())
            await link.welcome()
            # a Pod's key that is not UTF-8, in a field that must be
            bad = said(pod_report={"pod": "xxxx", "state": ENDED}).SerializeToString()
            await link.call.write(bad.replace(b"xxxx", b"\xff\xfe\xfd\xfc"))
            code, _, _ = await link.end()
            assert code.name != "OK"
            await settled(rig, honest, other)


@pytest.mark.django_db(transaction=True)
async def test_a_message_of_many_megabytes_ends_only_its_own_session() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        async with rig.session(runner) as link:
            with suppress(aio.AioRpcError):
                await link.say(kept_screen={"pod": "pod-a", "screen_json": b"x" * (5 << 20)})
            code, _, _ = await link.end()
            assert code.name == "RESOURCE_EXHAUSTED"
        async with rig.session(runner) as link:
            await settled(rig, link, runner)


@pytest.mark.django_db(transaction=True)
async def test_a_flood_of_heartbeats_is_answered_once_a_second() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        async with rig.session(runner) as link:
            for number in range(1, 2001):
                await link.say(heartbeat={"sent_at_ms": number})
            id_ = await rig.rows(queue, runner)
            answers = 0
            while True:
                message = await link.call.read()
                answers += message.heartbeat.echo_ms != 0
                if message.command.id == id_:
                    break
            assert answers <= 3


@pytest.mark.django_db(transaction=True)
async def test_its_hello_says_only_what_fits() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        hello = {
            "hostname": "a\x00b\x1b[31m" + "h" * 5000,
            "capacity": 2**32 - 1,
            "mcp_port": 99_999,
            "isolation": "fort knox",
            "labels": {f"l{n}": "v" * 500 for n in range(500)},
            "agents": [{"slug": "s" * 500, "path": "\x00/bin/x"}] * 500,
        }
        async with rig.session(runner, **hello):
            row = await rig.rows(Runner.objects.get, pk=runner.pk)
            assert row.hostname.startswith("ab[31mhhh")
            assert len(row.hostname) == 200
            assert (row.capacity, row.mcp_port, row.isolation) == (10_000, 0, "none")
            assert len(row.labels) == len(row.agents) == 64
            assert row.agents[0]["path"] == "/bin/x"


@pytest.mark.django_db(transaction=True)
async def test_a_hello_that_makes_no_sense_opens_no_session() -> None:
    async with running_gateway() as rig:
        runner = await rig.rows(make_runner, online=False)
        for hello in (
            {"pods": [{"pod": "pod-a", "state": ENDED, "end_offset": 2**63}]},
            {"unfinished_commands": ["nobody"]},
        ):
            async with rig.dial(runner) as link:
                await link.say_hello(**hello)
                code, _, _ = await link.end()
                assert code.name == "INVALID_ARGUMENT"
        async with rig.dial(runner) as link:
            link.call = link.stub.Session()
            await link.say(heartbeat={"sent_at_ms": 1})
            code, _, _ = await link.end()
            assert code.name == "INVALID_ARGUMENT"
        assert await rig.rows(lambda: Runner.objects.get(pk=runner.pk).epoch) == 0


@pytest.mark.django_db(transaction=True)
async def test_two_runners_end_only_their_own_pods() -> None:
    """The same key said by both: the row decides whose it is."""
    async with running_gateway() as rig:
        mine = await rig.rows(make_runner, online=False)
        other = await rig.rows(make_runner, online=False)
        pod = await rig.rows(make_pod, runner=mine)
        told = [{"pod": pod.key, "state": RUNNING}]
        async with rig.session(other, pods=told) as liar, rig.session(mine, pods=told) as owner:
            await liar.report(pod.key, ENDED, exit_code=1)
            await settled(rig, liar, other)
            assert await rig.rows(pod_is, pod, PodState.RUNNING)
            await owner.report(pod.key, ENDED, exit_code=0)
            assert (await owner.next("report_received")).pod == pod.key
            assert await rig.rows(pod_is, pod, PodState.COMPLETED)
            assert await rig.rows(Pod.objects.filter(pk=pod.pk, exit_code=0).exists)


# ---- what is made of single fields


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"3",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 99999999999999999999}',
        b'{"a": ' * 2000 + b"1" + b"}" * 2000,
        b'{"a": "' + b"x" * 100_000 + b'"}',
    ],
)
def test_json_that_no_database_takes_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        json_object(raw, 64 * 1024)


def test_json_is_kept_but_for_what_cannot_be_stored() -> None:
    raw = b'{"out\\u0000": ["\\u001b[31mred", "\\ud800", true, null, -1, 0.5]}'
    kept = json_object(raw, 1000)
    assert kept == {"out\ufffd": ["\x1b[31mred", "\ufffd", True, None, -1, 0.5]}


def test_text_becomes_one_clean_line() -> None:
    assert clean("a\x00b\r\n c\td\x1b[0m" + "e" * 10, 8) == "ab c d[0"


def test_of_a_screen_only_what_a_screen_has_is_kept() -> None:
    raw = {
        "text": "hi",
        "cols": 80,
        "rows": -1,
        "cursor": [1, 2],
        "offset": True,
        "title": 7,
        "evil": "x",
    }
    assert clean_screen(json.dumps(raw).encode()) == {"text": "hi", "cols": 80, "cursor": [1, 2]}


def test_a_result_that_cannot_be_read_is_still_the_end_of_its_command() -> None:
    id_ = "0" * 32
    result = decode(said(command_result={"id": id_, "state": "done", "result_json": b"{"}))
    assert isinstance(result, CommandResult)
    assert (result.state, result.result) == ("done", {})
    assert "could not be read" in result.error
