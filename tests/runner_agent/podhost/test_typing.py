import asyncio
import hashlib
import signal

import pytest

from runner_agent.messages import Input, InputRefused, InputTaken
from runner_agent.podhost import inputs
from runner_agent.terminals.hosts import HostError
from runner_agent.terminals.pod_host import TYPED_AHEAD
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import WITHIN_S, Stage

COLLECT = """
import hashlib, os, sys, tty
tty.setraw(0); os.write(1, b'ready')
left, digest = int(sys.argv[1]), hashlib.sha256()
while left:
    data = os.read(0, min(left, 4096)); digest.update(data); left -= len(data)
os.write(1, digest.hexdigest().encode())
"""
SILENT = "import time, tty; tty.setraw(0); print('ready', flush=True); time.sleep(1000)"
ECHO = """
import os, tty
tty.setraw(0); os.write(1, b'ready')
while data := os.read(0, 4096):
    os.write(1, data)
"""


async def taken(it: Stage, position: int) -> list[InputTaken]:
    found = []
    async for event in it.events():
        if isinstance(event, InputTaken):
            found.append(event)
            if event.position >= position:
                break
    return found


async def test_a_paste_of_640_kb_arrives_whole(stage: Open) -> None:
    paste = b"".join(b"%06d %s\n" % (n, b"y" * 56) for n in range(10_000))
    async with stage() as it:
        host = await it.python(COLLECT, str(len(paste)))
        await it.until_said(host, b"ready")
        await host.input(paste, "browser")
        digest = hashlib.sha256(paste).hexdigest().encode()
        await it.until_said(host, digest)


async def test_what_is_sent_twice_is_typed_once(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        for data, position in (
            (b"one ", 0),
            (b"one ", 0),
            (b"one two ", 0),
            (b"two ", 4),
            (b"three", 8),
        ):
            it.terminals.handle(Input(host.pod, data, "browser", position))
        assert (await taken(it, 13))[-1] == InputTaken(host.pod, "browser", 13)
        await it.until_said(host, b"three")
        assert await it.output(host) == b"readyone two three"


async def test_bytes_that_follow_a_gap_are_asked_for_again(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        await host.input(b"abc", "browser", 0)
        heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue(10)
        host.on_taken.add(lambda _host, writer, position: heard.put_nowait((writer, position)))
        host.type(b"xyz", "browser", 10)
        assert await heard.get() == ("browser", 3)
        await host.input(b"defghijxyz", "browser", 3)
        await it.until_said(host, b"abcdefghijxyz")
        assert await it.output(host) == b"readyabcdefghijxyz"


async def test_writers_do_not_mix_up_their_positions(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        await host.input(b"a1", "alice", 0)
        await host.input(b"b1", "bob", 0)
        await host.input(b"a1a2", "alice", 0)
        await host.input(b"c7", "carol", 7000)
        await host.input(b"c7c8", "carol", 7000)
        await host.input(b"raw")
        await host.input(b"raw")
        assert await it.until_said(host, b"rawraw") == b"readya1b1a2c7c8rawraw"


async def test_typing_is_known_to_the_host_after_the_daemon_was_away(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(ECHO)
        await it.until_said(host, b"ready")
        await host.input(b"before", "browser", 0)
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        await host.input(b"before after", "browser", 0)
        assert await it.until_said(host, b"after") == b"readybefore after"


def test_only_so_many_writers_are_remembered() -> None:
    class Teller:
        def taken(self, writer: bytes, position: int) -> None: ...

    known = inputs.Inputs()
    for number in range(inputs.WRITERS + 1):
        known.take(Teller(), b"writer %d" % number, 0, b"x")
    assert len(known._accepted) == inputs.WRITERS
    known.take(Teller(), b"writer 1", 0, b"x")
    assert len(known.pending) == inputs.WRITERS + 1  # it is known, so it is not typed again
    known.take(Teller(), b"writer 0", 0, b"x")
    assert len(known.pending) == inputs.WRITERS + 2  # it was forgotten


async def test_an_agent_that_does_not_read_holds_up_no_signal_and_no_neighbour(stage: Open) -> None:
    async with stage() as it:
        silent, neighbour = await it.python(SILENT), await it.python(ECHO)
        await it.until_said(silent, b"ready")
        it.terminals.handle(Input(silent.pod, b"x" * (2 << 20), "browser", 0))
        it.terminals.handle(Input(neighbour.pod, b"hello", "browser", 0))
        await it.until_said(neighbour, b"hello")
        silent.signal(signal.SIGKILL)
        assert await silent.ended() == -signal.SIGKILL


async def test_typing_that_finds_no_room_is_refused_aloud(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(SILENT)
        await it.until_said(host, b"ready")
        part = 1 << 20
        for position in range(0, TYPED_AHEAD + 2 * part, part):
            it.terminals.handle(Input(host.pod, b"x" * part, "browser", position))
        async for event in it.events():
            if isinstance(event, InputRefused):
                break
        assert event == InputRefused(host.pod, "browser", TYPED_AHEAD, "busy")
        with pytest.raises(HostError, match="busy"):
            await host.input(b"x" * part)


async def test_typing_for_a_pod_that_ended_or_is_not_there_is_refused_aloud(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("true")
        await host.ended()
        it.hosts.starting.add("pod-soon")
        for pod in (host.pod, "pod-soon", "pod-never"):
            it.terminals.handle(Input(pod, b"x", "browser", 5))
        reasons = {}
        async for event in it.events():
            assert isinstance(event, InputRefused)
            reasons[event.pod] = event.reason
            if len(reasons) == 3:
                break
        assert reasons == {host.pod: "ended", "pod-soon": "starting", "pod-never": "unknown"}


async def test_who_waits_for_typing_hears_of_the_end(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(SILENT)
        await it.until_said(host, b"ready")
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
            typing = group.create_task(fails(host.input(b"x" * (1 << 20))))
            await asyncio.sleep(0)
            host.signal(signal.SIGKILL)
        assert typing.result()


async def fails(typing: "asyncio.Future[None] | object") -> bool:
    try:
        await typing  # type: ignore[misc]
    except HostError:
        return True
    return False


async def test_echo_says_whether_a_password_is_asked_for(stage: Open) -> None:
    async with stage() as it:
        host = await it.start(
            "sh", "-c", "echo one; read x; stty -echo; echo two; read x; echo three"
        )
        await it.until_said(host, b"one")
        assert await host.echo()
        await host.input(b"\r")
        await it.until_said(host, b"two")
        assert not await host.echo()
        await host.input(b"\r")
        await host.ended()
        assert not await host.echo()
