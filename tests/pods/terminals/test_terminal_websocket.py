"""A Terminal in a browser, end to end but for the PTY: scripted Runner, gateway relay, web's consumer."""

import asyncio
import random

import pytest
from channels.db import database_sync_to_async

from accounts.models import ApiToken, Membership
from pods.lifecycle import PodState
from pods.models import KeptScreen, Pod, Runner
from tests import builders
from tests.pods.terminals.conftest import World
from tests.pods.terminals.runner import FakePod, FakeRunner

MIB = 1024 * 1024


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


# ---- what is shown


async def test_bytes_arrive_with_their_offsets(world: World, runner: FakeRunner) -> None:
    await runner.write(world.pod.key, b"hello ")
    async with world.open(offset=0) as browser:
        await browser.until_shown(b"hello ")
        await runner.write(world.pod.key, b"world")
        await browser.until_shown(b"hello world")
        assert browser.first == 0


async def test_without_an_offset_it_begins_with_a_screen(world: World, runner: FakeRunner) -> None:
    await runner.write(world.pod.key, b"long ago")
    async with world.open() as browser:
        screen = await browser.text("screen")
        assert (screen["offset"], screen["data"]) == (8, "screen@8")
        await runner.write(world.pod.key, b"new")
        await browser.until_shown(b"new")
        assert browser.first == 8


async def test_many_mebibytes_arrive_exactly(world: World, runner: FakeRunner) -> None:
    data = noise(20 * MIB)
    async with world.open(offset=0) as browser:
        await runner.write(world.pod.key, data)
        await browser.until(lambda: len(browser.shown) == len(data))
        assert browser.shown == data


async def test_a_browser_that_comes_back_misses_and_repeats_nothing(
    world: World, runner: FakeRunner
) -> None:
    await runner.write(world.pod.key, b"0123456789")
    async with world.open(offset=0) as browser:
        await browser.until_shown(b"0123456789")
    await runner.write(world.pod.key, b"abcdef")
    async with world.open(offset=10) as browser:
        await browser.until_shown(b"abcdef")


async def test_a_browser_that_stops_reading_is_sent_no_more_than_its_window(
    world: World, runner: FakeRunner
) -> None:
    data = noise(4 * MIB)
    async with world.open(offset=0) as stalled, world.open(offset=0) as lively:
        stalled.acks = False
        await runner.write(world.pod.key, data)
        await lively.until(lambda: len(lively.shown) == len(data))
        assert len(stalled.shown) == 256 * 1024
        stalled.acks = True
        stalled.ack()
        await stalled.until(lambda: len(stalled.shown) == len(data))
        assert stalled.shown == lively.shown == data


async def test_one_stalled_browser_alone_stops_the_runners_reading(
    world: World, runner: FakeRunner
) -> None:
    async with world.open(offset=0) as browser:
        browser.acks = False
        await runner.write(world.pod.key, noise(4 * MIB))
        await browser.until(lambda: len(browser.shown) == 256 * 1024)
        [feed] = runner.feeds.values()
        assert feed.sent == 256 * 1024


async def test_a_late_browser_without_an_offset_gets_a_new_screen(
    world: World, runner: FakeRunner
) -> None:
    async with world.open() as late, world.open(offset=0) as lively:
        await late.text("screen", offset=0)
        late.acks = False
        await runner.write(world.pod.key, noise(4 * MIB))
        await lively.until(lambda: len(lively.shown) == 4 * MIB)
        late.acks = True
        late.ack()
        await late.text("screen", offset=4 * MIB)
        await runner.write(world.pod.key, b"now")
        await late.until_shown(b"now")


async def test_bytes_kept_no_longer_are_told_as_a_gap(world: World, runner: FakeRunner) -> None:
    pod = runner.pods[world.pod.key]
    pod.log, pod.start = bytearray(b"x" * 100 + b"kept"), 100
    async with world.open(offset=10) as browser:
        assert await browser.text("gap") == {"type": "gap", "from": 10, "to": 100}
        await browser.until_shown(b"kept")
        assert browser.first == 100


async def test_browsers_share_one_feed_of_the_runner(world: World, runner: FakeRunner) -> None:
    await runner.write(world.pod.key, b"abc")
    async with world.open(offset=0) as first:
        await first.until_shown(b"abc")
        async with world.open(offset=0) as second, world.open(offset=2) as third:
            await second.until_shown(b"abc")
            await third.until_shown(b"c")
            assert len(runner.opened) == 1


async def test_a_new_size_is_told_to_all(world: World, runner: FakeRunner) -> None:
    async with world.open(offset=0) as one, world.open(offset=0) as other:
        await one.text("state", connected=True)
        one.say(resize=[120, 40])
        await one.text("size", cols=120, rows=40)
        await other.text("size", cols=120, rows=40)


# ---- faults


async def test_a_lost_terminals_stream_costs_no_byte(world: World) -> None:
    async with world.attached() as runner:
        await runner.write(world.pod.key, b"before ")
        async with world.open(offset=0) as browser:
            await browser.until_shown(b"before ")
            runner.cut()
            await browser.now("state", connected=False, reason="reconnecting")
            runner.pods[world.pod.key].log += b"meanwhile "
            async with asyncio.TaskGroup() as group:
                group.create_task(runner.run())
                await browser.until_shown(b"before meanwhile ")
                await runner.write(world.pod.key, b"after")
                await browser.until_shown(b"before meanwhile after")
                runner.cut()


async def test_a_gateway_that_comes_back_costs_no_byte(rows: World, application: None) -> None:
    async with rows.gateway(), rows.attached() as runner:
        log = runner.pods[rows.pod.key].log
        await runner.write(rows.pod.key, b"before ")
        async with rows.open(offset=0) as browser:
            await browser.until_shown(b"before ")
            await rows.stop()
            await browser.now("state", connected=False)
            async with rows.gateway(), rows.attached() as again:
                await again.write(rows.pod.key, bytes(log) + b"after")
                await browser.until_shown(b"before after")


async def test_a_gap_on_the_stream_is_asked_for_again(world: World, runner: FakeRunner) -> None:
    from proto.mesh.v1 import runner_pb2 as pb

    await runner.write(world.pod.key, b"abcdef")
    async with world.open(offset=0) as browser:
        await browser.until_shown(b"abcdef")
        [feed] = runner.feeds
        runner.pods[world.pod.key].log += b"ghijkl"
        await runner.say(output=pb.Output(feed=feed, offset=9, data=b"jkl"))
        await browser.until_shown(b"abcdefghijkl")


async def test_a_runner_cannot_speak_for_another_runners_feed(
    world: World, runner: FakeRunner
) -> None:
    other = world.hub.terminal(world.runner_row.pk + 1, "pod-other")
    seen: list[bytes] = []
    from pods.terminals.viewing import Viewing

    viewing = Viewing(other.feeds, 0)
    [feed] = other.feeds
    from proto.mesh.v1 import runner_pb2 as pb

    await runner.say(output=pb.Output(feed=feed.number, offset=0, data=b"forged"))
    async with world.open(offset=0) as browser:
        await runner.write(world.pod.key, b"mine")
        await browser.until_shown(b"mine")
    assert feed.end == 0
    assert not seen
    viewing.close()


async def test_a_pod_that_starts_later_is_shown_as_soon_as_it_runs(
    world: World, runner: FakeRunner
) -> None:
    del runner.pods[world.pod.key]
    async with world.open() as browser:
        await browser.text("state", connected=False, reason="unknown")
        runner.pods[world.pod.key] = FakePod(bytearray(b"$ "))
        world.hub.started(world.runner_row.pk, world.pod.key)
        await browser.text("screen", offset=2)
        await browser.text("state", connected=True)


async def test_after_the_last_byte_the_end_is_told(world: World, runner: FakeRunner) -> None:
    await runner.write(world.pod.key, b"bye")
    async with world.open(offset=0) as browser:
        await browser.until_shown(b"bye")
        await runner.end(world.pod.key, 3)
        await database_sync_to_async(_advance)(world.pod, PodState.FAILED, exit_code=3)
        await browser.text("state", state="failed", exit_code=3)
        browser.type(b"x")
        await browser.text("refused", reason="ended")


async def test_an_ended_pod_still_shows_its_log_and_then_its_state(
    world: World, runner: FakeRunner
) -> None:
    runner.pods[world.pod.key] = FakePod(bytearray(b"done"), exit_code=0)
    await database_sync_to_async(_advance)(world.pod, PodState.COMPLETED, exit_code=0)
    async with world.open(offset=0) as browser:
        await browser.text("state", state="completed", exit_code=0)
        assert browser.shown == b"done"


async def test_a_runner_that_is_away_leaves_its_last_screen(rows: World, application: None) -> None:
    await database_sync_to_async(_leave)(rows)
    async with rows.open() as browser:
        screen = await browser.text("screen")
        assert "last words" in screen["data"]
        state = await browser.text("state", runner="offline")
        assert state["since"]
        browser.type(b"x")
        await browser.text("refused", reason="reconnecting")


def _leave(world: World) -> None:
    Runner.objects.filter(pk=world.runner_row.pk).update(gateway="")
    Runner.objects.filter(pk=world.runner_row.pk).update(detached_at=world.runner_row.seen_at)
    screen = {"text": "last words", "cols": 80, "rows": 24, "cursor": [3, 1], "offset": 99}
    KeptScreen.objects.create(pod=world.pod, screen=screen)


def _advance(pod: Pod, state: PodState, **changes: object) -> None:
    assert Pod.objects.filter(pk=pod.pk).advance(state, **changes)


# ---- typing


async def test_what_is_typed_reaches_the_pty(world: World, runner: FakeRunner) -> None:
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        browser.type(b"ls")
        browser.type(b"\r")
        pod = runner.pods[world.pod.key]
        await runner.until(lambda: bytes(pod.typed) == b"ls\r")
        control = await browser.text("control", you=True)
        assert control["holder"]["kind"] == "token"


async def test_a_large_paste_arrives_exactly_and_holds_up_no_acknowledgement(
    world: World, runner: FakeRunner
) -> None:
    pod = runner.pods[world.pod.key]
    paste = noise(640_000)
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        pod.reads = False
        browser.type(paste)
        await runner.write(world.pod.key, noise(MIB))
        await browser.until(lambda: len(browser.shown) == MIB)
        await runner.take_held(world.pod.key)
        await runner.until(lambda: len(pod.typed) == len(paste))
        assert pod.typed == paste


async def test_numbered_input_is_confirmed_and_repeats_are_typed_once(
    world: World, runner: FakeRunner
) -> None:
    pod = runner.pods[world.pod.key]
    async with world.open(offset=0, client="c1") as browser:
        await browser.text("state", connected=True)
        browser.type(b"make ", 0)
        browser.type(b"test", 5)
        await browser.text("taken", position=9)
    async with world.open(offset=0, client="c1") as browser:
        await browser.text("state", connected=True)
        browser.type(b"test\r", 5)
        await browser.text("taken", position=10)
    assert pod.typed == b"make test\r"


async def test_input_lost_with_the_stream_is_typed_once_when_it_is_back(world: World) -> None:
    async with world.attached() as runner:
        pod = runner.pods[world.pod.key]
        async with world.open(offset=0, client="c1") as browser:
            await browser.text("state", connected=True)
            browser.type(b"one ", 0)
            await browser.text("taken", position=4)
            pod.reads = False
            browser.type(b"two ", 4)
            await runner.until(lambda: pod.held)
            runner.cut()
            await browser.now("state", connected=False)
            browser.type(b"three", 8)
            refused = await browser.text("refused", reason="reconnecting")
            assert refused["position"] == 8
            pod.held.clear()
            pod.reads = True
            async with asyncio.TaskGroup() as group:
                group.create_task(runner.run())
                await browser.text("taken", position=8)
                assert pod.typed == b"one two "
                browser.type(b"three", 8)
                await browser.text("taken", position=13)
                runner.cut()
            assert pod.typed == b"one two three"


async def test_a_jump_in_numbered_input_is_refused(world: World, runner: FakeRunner) -> None:
    async with world.open(offset=0, client="c1") as browser:
        await browser.text("state", connected=True)
        browser.type(b"ab", 0)
        browser.type(b"cd", 7)
        assert (await browser.text("refused", reason="gap"))["position"] == 2


async def test_a_second_writer_is_refused_until_it_takes_over(
    world: World, runner: FakeRunner
) -> None:
    other = await database_sync_to_async(builders.make_token)(world.owner)
    pod = runner.pods[world.pod.key]
    async with world.open(offset=0) as first, world.open(offset=0, token=other) as second:
        await second.text("state", connected=True)
        first.type(b"a")
        await runner.until(lambda: bytes(pod.typed) == b"a")
        second.type(b"b")
        await second.text("refused", reason="control", what="input")
        second.say(resize=[10, 10])
        await second.text("refused", reason="control", what="resize")
        second.say(control="take")
        await second.text("control", you=True)
        second.type(b"c")
        await runner.until(lambda: bytes(pod.typed) == b"ac")
        first.type(b"d")
        await first.text("refused", reason="control")
        second.say(control="release")
        await first.text("control", holder=None)
        assert pod.typed == b"ac"


async def test_a_reader_cannot_type(world: World, runner: FakeRunner) -> None:
    async with world.open(offset=0, mode="read") as browser:
        await browser.text("state", connected=True)
        browser.type(b"a")
        await browser.text("refused", reason="read_only", what="input")
        browser.say(control="take")
        await browser.text("refused", reason="read_only", what="control")
        assert not runner.inputs


async def test_a_viewers_role_cannot_type(world: World, runner: FakeRunner) -> None:
    def make_viewer() -> str:
        user = builders.make_user(organization=world.pod.organization, role="viewer")
        return builders.make_token(user)

    async with world.open(offset=0, token=await database_sync_to_async(make_viewer)()) as browser:
        await browser.text("state", connected=True)
        browser.type(b"a")
        await browser.text("refused", reason="read_only")


# ---- who may be here


async def test_a_strangers_pod_is_not_there(world: World) -> None:
    stranger = await database_sync_to_async(_stranger)()
    async with world.open(token=stranger) as browser:
        await browser.until(lambda: browser.closed)
        assert browser.closed == 4404
    async with world.open(key="pod-none") as browser:
        await browser.until(lambda: browser.closed)
        assert browser.closed == 4404


def _stranger() -> str:
    organization = builders.make_organization()
    return builders.make_token(builders.make_user(organization=organization, role="owner"))


async def test_a_bad_token_is_no_login(world: World) -> None:
    async with world.open(token="mesh_nonsense") as browser:
        await browser.until(lambda: browser.closed)
        assert browser.closed == 4401


async def test_a_revoked_token_closes_the_socket(world: World, runner: FakeRunner) -> None:
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        await ApiToken.objects.aupdate(revoked_at=world.runner_row.seen_at)
        await browser.until(lambda: browser.closed)
        assert browser.closed == 4401


async def test_one_who_left_the_organization_is_out(world: World, runner: FakeRunner) -> None:
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        await Membership.objects.all().adelete()
        await browser.until(lambda: browser.closed)
        assert browser.closed in {4401, 4404}


async def test_a_changed_role_closes_the_socket_to_begin_anew(
    world: World, runner: FakeRunner
) -> None:
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        await Membership.objects.aupdate(role="viewer")
        await browser.until(lambda: browser.closed)
        assert browser.closed == 1012
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        browser.type(b"b")
        await browser.text("refused", reason="read_only")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", 4400),
        ('{"ack": -1}', 4400),
        ('{"resize": [0, 5]}', 4400),
        ("x" * 2000, 1009),
        (b"x" * (MIB + 9), 1009),
    ],
)
async def test_a_malformed_frame_closes_with_a_sentence(
    world: World, runner: FakeRunner, frame: str | bytes, code: int
) -> None:
    async with world.open(offset=0) as browser:
        browser.send(frame)
        error = await browser.text("error", code=code)
        assert error["message"].endswith(".")
        await browser.until(lambda: browser.closed == code)


async def test_a_malformed_query_closes_with_a_sentence(world: World) -> None:
    async with world.open(offset="minus one") as browser:
        await browser.text("error", code=4400)
        await browser.until(lambda: browser.closed == 4400)
