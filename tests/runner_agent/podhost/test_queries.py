"""A terminal query has one answerer, whoever watches and whatever is replayed."""

import asyncio

import pytest

from runner_agent.messages import CloseFeed, OpenFeed
from runner_agent.terminals import live_screen
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import Stage, until

# Asks, then tells in hexadecimal what it is answered, until it reads a q.
ASK = """
import os, sys, tty
tty.setraw(0)
for question in sys.argv[1:]:
    os.write(1, bytes.fromhex(question))
while (data := os.read(0, 4096)) != b'q':
    os.write(1, b'<' + data.hex().encode() + b'>')
"""
DA1, ANSWER = b"\x1b[c", b"\x1b[?62;22c"


def told(answer: bytes) -> bytes:
    return b"<" + answer.hex().encode() + b">"


async def nothing_more(it: Stage, host) -> bytes:
    """All was dealt with: what is typed now comes after every answer."""
    await host.input(b"x")
    return await it.until_said(host, told(b"x"))


@pytest.mark.parametrize("viewers", [0, 1, 2])
async def test_a_query_is_answered_once(stage: Open, viewers: int) -> None:
    async with stage() as it:
        host = await it.python(ASK, DA1.hex())
        for number in range(viewers):
            it.terminals.handle(OpenFeed(number, host.pod, None if number else 0, live=True))
        await it.until_said(host, told(ANSWER))
        it.terminals.handle(OpenFeed(10, host.pod, 0))  # a replay
        await it.terminals.screen(host.pod)
        assert await nothing_more(it, host) == DA1 + told(ANSWER) + told(b"x")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (b"\x1b[c", ANSWER),
        (b"\x1b[>c", b"\x1b[>1;0;0c"),
        (b"\x1b[=c", b"\x1bP!|00000000\x1b\\"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"ab\x1b[6n", b"\x1b[1;3R"),
        (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        (b"\x1b[>q", b"\x1bP>|mesh\x1b\\"),
        (b"\x1b[?u", b"\x1b[?0u"),
        (b"\x1b]10;?\x07", b"\x1b]10;rgb:e6e6/e6e6/e6e6\x07"),
        (b"\x1b]11;?\x1b\\", b"\x1b]11;rgb:1616/1818/1d1d\x1b\\"),
        (b"\x1b[18t", b"\x1b[8;24;80t"),
    ],
)
async def test_what_a_terminal_is_asked_it_answers(
    stage: Open, question: bytes, answer: bytes
) -> None:
    async with stage() as it:
        host = await it.python(ASK, question.hex())
        await it.until_said(host, told(answer))


async def test_a_query_cut_in_two_is_answered_when_it_is_whole(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(
            ASK.replace("hex(question))", "hex(question)); os.read(0, 1)"),
            b"\x1b[".hex(),
            b"c".hex(),
        )
        await it.until_said(host, b"\x1b[")
        await it.terminals.screen(host.pod)
        await host.input(b"1")
        await host.input(b"2")
        await it.until_said(host, told(ANSWER))


async def test_a_restarted_daemon_does_not_answer_again(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ASK, DA1.hex())
        await it.until_said(host, told(ANSWER))
    for _ in range(2):
        async with stage() as it:
            (host,) = await it.hosts.adopt()
            await it.terminals.screen(host.pod)
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        assert await nothing_more(it, host) == DA1 + told(ANSWER) + told(b"x")


# Asks once nobody is connected to its host.
ASK_LATER = ASK.replace(
    "for question",
    "os.write(1, b'ready'); os.read(0, 1)\nwhile not os.path.exists(sys.argv[-1]): pass\nfor question",
).replace("[1:]", "[1:-1]")


async def ask_without_a_daemon(stage: Open, gate) -> None:
    async with stage() as it:
        host = await it.python(ASK_LATER, DA1.hex(), str(gate))
        await it.until_said(host, b"ready")
        await host.input(b"g")
    gate.touch()
    await until(lambda: host.log.end() == len(b"ready" + DA1))
    host.log.close()


async def test_what_was_asked_while_no_daemon_was_there_is_answered_when_one_is(
    stage: Open, tmp_path
) -> None:
    await ask_without_a_daemon(stage, tmp_path / "gate")
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        await it.until_said(host, told(ANSWER))
        assert await nothing_more(it, host) == b"ready" + DA1 + told(ANSWER) + told(b"x")


async def test_a_query_that_waited_too_long_is_not_answered(
    stage: Open, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(live_screen, "ANSWER_WITHIN_MS", -1)
    await ask_without_a_daemon(stage, tmp_path / "gate")
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        await it.terminals.screen(host.pod)
        assert await nothing_more(it, host) == b"ready" + DA1 + told(b"x")


async def test_a_file_full_of_queries_does_not_fill_the_agents_input(stage: Open) -> None:
    async with stage() as it:
        flood = ASK.replace(
            "for question", "os.write(1, b'\\x1b[c' * 300_000); time.sleep(0)\nfor question"
        )
        host = await it.python(flood.replace("import os", "import time, os"))
        await it.until_said(host, b">")
        await host.input(b"x")
        await it.until_said(host, b"78>")
        answered = (await it.output(host)).count(ANSWER.hex().encode())
        assert 1 <= answered * len(ANSWER) <= 100_000


async def test_answers_come_at_once(stage: Open) -> None:
    async with stage() as it:
        program = """
import os, time, tty
tty.setraw(0); times = []
for _ in range(50):
    began = time.perf_counter(); os.write(1, b'\\x1b[5n'); os.read(0, 100); times.append(time.perf_counter() - began)
print(sorted(times)[25] * 1000)
"""
        host = await it.python(program)
        await host.ended()
        middle_ms = float((await it.output(host)).split(b"n")[-1])
        assert middle_ms < 50


async def test_a_feed_that_closes_leaves_the_answerer_in_place(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ASK_LATER, DA1.hex(), "/")
        await it.until_said(host, b"ready")
        it.terminals.handle(OpenFeed(1, host.pod, 0, live=True))
        it.terminals.handle(CloseFeed(1))
        it.terminals.close_all()
        await asyncio.sleep(0)
        await host.input(b"g")
        await it.until_said(host, told(ANSWER))
