"""Feeds of a Terminal: complete, in order, fair, and within their credit."""

import asyncio
import base64
import hashlib
import random
from dataclasses import replace

import pytest

from runner_agent.messages import (
    Attached,
    CloseFeed,
    End,
    FeedAck,
    FeedRefused,
    Gap,
    Input,
    InputTaken,
    OpenFeed,
    Output,
    Resize,
    Screen,
    Size,
)
from runner_agent.terminals.feed import CREDIT, FRAME
from runner_agent.terminals.screen import Screen as RunnerScreen
from runner_agent.terminals.terminals import UnknownPodError
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import Reading, Stage, until

ECHO = """
import os, tty
tty.setraw(0); os.write(1, b'ready')
while data := os.read(0, 4096):
    os.write(1, data)
"""
SAY = "import os, sys, tty; tty.setraw(0); os.write(1, bytes.fromhex(sys.argv[1]))"


async def test_100_mib_arrive_byte_for_byte(stage: Open, tmp_path) -> None:
    data = base64.encodebytes(random.Random(7).randbytes(78 << 20))
    path = tmp_path / "data"
    path.write_bytes(data)
    async with stage() as it:
        host = await it.start("sh", "-c", f"stty raw; exec cat {path}")
        reading = await it.read(host)
        assert hashlib.sha256(reading.data).digest() == hashlib.sha256(data).digest()
        assert reading.events[-1] == End(1, len(data), 0)
        assert max(map(len, reading.parts)) <= FRAME


async def test_a_feed_begins_where_it_was_asked_to(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("printf", "0123456789")
        await host.ended()
        for offset in (0, 4, 10):
            reading = await it.read(host, offset)
            assert reading.data == b"0123456789"[offset:]
            assert reading.events[0] == Attached(1, 0, 10, 80, 24)


async def test_a_feed_goes_no_further_than_its_credit(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("sh", "-c", "stty raw; head -c 1000000 /dev/zero")
        await host.ended()
        sent = acked = 0
        async for event in it.events(OpenFeed(1, host.pod, 0)):
            match event:
                case Output():
                    sent += len(event.data)
                    assert sent - acked <= CREDIT
                    if sent - acked == CREDIT:
                        acked = sent
                        it.terminals.handle(FeedAck(1, acked))
                case End():
                    break
        assert sent == 1_000_000


async def test_a_feed_tells_each_size_where_it_holds(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        it.terminals.handle(Resize(host.pod, 100, 30))
        await until(lambda: host.size == (100, 30))
        await host.input(b"wide")
        await it.until_said(host, b"wide")
        it.terminals.handle(Resize(host.pod, 0, 10**6))
        await until(lambda: host.size == (1, 1000))
        host.terminate(0)
        await host.ended()
        events = [event async for event in first(it, OpenFeed(1, host.pod, 0), End)]
        assert events[1:] == [
            Size(1, 0, 80, 24),
            Output(1, 0, b"ready"),
            Size(1, 5, 100, 30),
            Output(1, 5, b"wide"),
            Size(1, 9, 1, 1000),
            End(1, 9, host.exit_code or 0),
        ]


async def test_a_live_feed_hears_of_a_size_without_output(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("sleep", "1000")
        async for event in it.events(OpenFeed(1, host.pod, 0, live=True)):
            if isinstance(event, Attached):
                it.terminals.handle(Resize(host.pod, 90, 20))
            elif event == Size(1, 0, 90, 20):
                break


async def first(it: Stage, request: OpenFeed, last: type):
    async for event in it.events(request):
        yield event
        if isinstance(event, last):
            return


async def test_what_is_gone_is_told_as_a_gap(stage: Open, config) -> None:
    async with Stage.of(replace(config, log_max=1 << 18)) as it:
        host = await it.start("sh", "-c", "stty raw; head -c 1000000 /dev/zero")
        await host.ended()
        reading = await it.read(host, 1000)
        first_kept = host.log.first()
        assert Gap(1, 1000, first_kept) in reading.events
        assert len(reading.data) == 1_000_000 - first_kept


async def test_a_feed_by_screen_shows_what_is_there_and_goes_on(stage: Open) -> None:
    async with stage() as it:
        text = b"\x1b[?1049h\x1b[2J\x1b[Hinside \x1b[1mvim"
        host = await it.python(SAY + "; os.read(0, 1); os.write(1, b'!')", text.hex())
        await it.until_said(host, b"vim")
        async for event in it.events(OpenFeed(1, host.pod, None, live=True)):
            match event:
                case Screen():
                    screen = RunnerScreen(event.cols, event.rows)
                    screen.feed(event.data)
                    assert screen.show()["text"] == "inside vim"
                    await host.input(b"g")
                case Output():
                    assert event == Output(1, len(text), b"!")
                    break


async def test_a_screen_never_ends_inside_a_sequence(stage: Open) -> None:
    async with stage() as it:
        cut = b"text\x1b[3"
        host = await it.python(SAY + "; os.read(0, 1); os.write(1, b'1mred')", cut.hex())
        await host.output_after(len(cut) - 1)  # what is on the disk has been told, too
        reading = Reading(0)
        async for event in it.events(OpenFeed(1, host.pod, None)):
            reading.add(event)
            if isinstance(event, Screen):
                assert event.offset == len(b"text")
                await host.input(b"g")
            if reading.data.endswith(b"red"):
                break
        assert reading.data == b"\x1b[31mred"


async def test_a_feed_by_screen_that_fell_far_behind_gets_a_new_screen(stage: Open) -> None:
    async with stage() as it:
        flood = (
            "; os.read(0, 1); [os.write(1, b'x' * 65536) for _ in range(48)]; os.write(1, b'end')"
        )
        host = await it.python(SAY + flood, b"ready".hex())
        await it.until_said(host, b"ready")
        reading, screens = Reading(0), 0
        async for event in it.events(OpenFeed(1, host.pod, None)):
            reading.add(event)
            if isinstance(event, Screen):
                screens += 1
                if screens == 1:
                    await host.input(b"g")
                    await host.ended()
            if isinstance(event, Output) and reading.at % CREDIT == 0:
                it.terminals.handle(FeedAck(1, reading.at))
            if isinstance(event, End):
                break
        assert screens == 2
        assert reading.at == host.end
        assert len(reading.data) < 1 << 20


async def test_a_flood_does_not_hold_up_a_neighbour(stage: Open) -> None:
    async with stage() as it:
        flood = await it.start("sh", "-c", "stty raw; exec cat /dev/zero")
        quiet = await it.python(ECHO)
        await it.until_said(quiet, b"ready")
        frames = typed = 0
        await flood.output_after(0)
        async for event in it.events(
            OpenFeed(1, flood.pod, 0, live=True), OpenFeed(2, quiet.pod, 5)
        ):
            match event:
                case Output(feed=1):
                    frames += 1
                    it.terminals.handle(FeedAck(1, event.offset + len(event.data)))
                    if frames % 20 == 0:
                        it.terminals.handle(Input(quiet.pod, b"k", "typist", typed))
                        typed += 1
                case Output(feed=2) if event.offset + len(event.data) >= 25:
                    break
        assert frames < 20 * 60
        flood.terminate(0)


async def test_small_writes_in_a_row_are_sent_together(stage: Open) -> None:
    async with stage() as it:
        program = "; import time; [(os.write(1, b'spin'), time.sleep(0.001)) for _ in range(300)]"
        host = await it.python(SAY + program, b"ready".hex())
        began = asyncio.get_running_loop().time()
        reading = await it.read(host)
        took = asyncio.get_running_loop().time() - began
        assert len(reading.data) == 5 + 1200
        assert len(reading.parts) <= took / 0.008 + 5


async def test_an_echo_is_not_kept_waiting(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        loop, times = asyncio.get_running_loop(), []
        began = loop.time()
        async for event in it.events(OpenFeed(1, host.pod, 5, live=True)):
            if isinstance(event, Output):
                times.append(loop.time() - began)
                it.terminals.handle(FeedAck(1, event.offset + 1))
            if isinstance(event, Attached | Output):
                if len(times) == 40:
                    break
                began = loop.time()
                it.terminals.handle(Input(host.pod, b"k", "typist", len(times)))
        assert sorted(times)[20] < 0.008  # 0.2 ms on a quiet machine; 8 would be the trailing flush


async def test_many_keys_are_confirmed_by_few_events(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        for at in range(100):
            it.terminals.handle(Input(host.pod, b"k", "typist", at))
        told = 0
        async for event in it.events():
            assert isinstance(event, InputTaken)
            told += 1
            if event.position == 100:
                break
        assert told <= 10


async def test_a_feed_of_a_pod_that_is_not_here_is_refused(stage: Open) -> None:
    async with stage() as it:
        it.hosts.starting.add("pod-soon")
        wanted = {FeedRefused(1, "unknown"), FeedRefused(2, "starting")}
        async for event in it.events(OpenFeed(1, "pod-never", 0), OpenFeed(2, "pod-soon", None)):
            wanted.remove(event)
            if not wanted:
                break


async def test_a_feed_that_came_before_its_pod_opens_with_it(stage: Open, pod: str) -> None:
    async with stage() as it:
        reading = Reading(0)
        async for event in it.events(OpenFeed(1, pod, 0)):
            if event == FeedRefused(1, "unknown"):
                await it.start("printf", "hello", pod=pod)
            reading.add(event)
            if isinstance(event, End):
                break
        assert reading.data == b"hello"


async def test_a_feed_that_was_closed_before_its_pod_came_stays_closed(
    stage: Open, pod: str
) -> None:
    async with stage() as it:
        it.terminals.handle(OpenFeed(1, pod, 0))
        it.terminals.handle(CloseFeed(1))
        await it.start("printf", "hello", pod=pod)
        it.terminals.handle(OpenFeed(2, pod, 0))
        async for event in it.events():
            assert getattr(event, "feed", 2) == 2
            if isinstance(event, End):
                break


async def test_a_closed_feed_says_no_more_and_its_number_can_be_used_again(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("printf", "0123456789")
        await host.ended()
        it.terminals.handle(OpenFeed(1, host.pod, 0))
        it.terminals.handle(CloseFeed(1))
        it.terminals.handle(OpenFeed(1, host.pod, 7))
        it.terminals.handle(CloseFeed(99))
        it.terminals.handle(FeedAck(99, 5))
        reading = Reading(7)
        async for event in it.events():
            reading.add(event)
            if isinstance(event, End):
                break
        assert reading.data == b"789"


async def test_a_new_stream_begins_without_the_feeds_of_the_last(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("printf", "0123456789")
        await host.ended()
        it.terminals.handle(OpenFeed(1, host.pod, 0))
        it.terminals.close_all()
        assert (await it.read(host, feed=2)).events[0] == Attached(2, 0, 10, 80, 24)


async def test_output_is_read_by_offset(stage: Open, config) -> None:
    async with Stage.of(replace(config, log_max=1 << 18)) as it:
        host = await it.start("printf", "0123456789")
        await host.ended()
        assert await it.terminals.output(host.pod, 3, 4) == (b"3456", 3, 10)
        assert await it.terminals.output(host.pod, 10, 4) == (b"", 10, 10)
        assert await it.terminals.output(host.pod, 10**15, 4) == (b"", 10, 10)
        long = await it.start("sh", "-c", "stty raw; head -c 1000000 /dev/zero")
        await long.ended()
        data, start, end = await it.terminals.output(long.pod, 0, 1 << 30)
        assert (start, end) == (long.log.first(), 1_000_000)
        assert len(data) == end - start
        with pytest.raises(UnknownPodError):
            await it.terminals.output("pod-never", 0, 10)


async def test_a_screen_is_told_with_its_offset_and_size(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        host.resize(70, 20)
        await until(lambda: host.size == (70, 20))
        shown = await it.terminals.screen(host.pod)
        assert {
            name: shown[name] for name in ("text", "cols", "rows", "cursor", "offset", "echo")
        } == {
            "text": "ready",
            "cols": 70,
            "rows": 20,
            "cursor": [5, 0],
            "offset": 5,
            "echo": False,
        }
        with pytest.raises(UnknownPodError):
            await it.terminals.screen("pod-never")


async def test_a_screen_is_rebuilt_from_its_last_checkpoint_at_the_right_size(
    stage: Open, config
) -> None:
    config = replace(config, log_max=1 << 19)
    flood = "; os.read(0, 1); [os.write(1, b'line %07d\\r\\n' % n) for n in range(60_000)]; os.read(0, 1)"
    async with Stage.of(config) as it:
        host = await it.python(SAY + flood, b"\x1b]2;kept title\x07ready".hex())
        await it.until_said(host, b"ready")
        host.resize(60, 15)
        await host.input(b"g")
        await it.until_said(host, b"0059999")
        before = await it.terminals.screen(host.pod)
        assert before["title"] == "kept title"
        assert host.log.first() > 0  # what set the title is no longer in the log
    async with Stage.of(config) as it:
        (host,) = await it.hosts.adopt()
        after = await it.terminals.screen(host.pod)
    times = {"as_of": "", "quiet_s": 0}
    assert before | times == after | times


async def test_an_ended_pods_screen_and_feed_are_served_from_its_log(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("sh", "-c", "echo gone; exit 3")
        await host.ended()
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        assert (await it.terminals.screen(host.pod))["text"] == "gone"
        reading = await it.read(host)
        assert (reading.data, reading.events[-1]) == (b"gone\r\n", End(1, 6, 3))
