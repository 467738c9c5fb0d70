import asyncio
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from runner_agent.podhost.ending import GIVE_UP_S, Ending
from runner_agent.terminals import pod_host
from runner_agent.terminals.hosts import end_all
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import WITHIN_S, alive, until

DEAF = """
import signal, time
for signo in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(signo, signal.SIG_IGN)
print('ready', flush=True)
while True:
    time.sleep(100)
"""
POLITE = """
import signal, sys, time
def bye(signo, frame):
    print('bye', signal.Signals(signo).name, flush=True); sys.exit(3)
signal.signal(signal.SIGHUP, bye)
print('ready', flush=True)
while True:
    time.sleep(100)
"""
TERM_ONLY = POLITE.replace(
    "SIGHUP, bye", "SIGTERM, bye); signal.signal(signal.SIGHUP, signal.SIG_IGN"
)
# Leaves a process that is deaf, in a session of its own, with no descriptor of the PTY.
ESCAPE = """
import os, signal, sys, time
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for signo in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(signo, signal.SIG_IGN)
        os.write(writer, b'%d' % os.getpid())
        for fd in (0, 1, 2, reader, writer):
            os.close(fd)
        while True:
            time.sleep(100)
    os._exit(0)
os.wait()
print('left', os.read(reader, 20).decode(), flush=True)
if len(sys.argv) > 1:
    time.sleep(100)
"""


async def test_an_agent_told_to_end_may_say_goodbye(stage: Open) -> None:
    async with stage() as it:
        for program, name in ((POLITE, b"bye SIGHUP"), (TERM_ONLY, b"bye SIGTERM")):
            host = await it.python(program)
            await it.until_said(host, b"ready")
            host.terminate(2.0)
            assert await host.ended() == 3
            assert name in await it.output(host)
            assert host.asked


async def test_an_agent_that_ignores_everything_is_killed_after_its_grace(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(DEAF)
        await it.until_said(host, b"ready")
        began = time.monotonic()
        host.terminate(0.6)
        assert await host.ended() == -signal.SIGKILL
        assert 0.5 < time.monotonic() - began < 5


async def test_ending_goes_on_without_the_daemon(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(DEAF)
        await it.until_said(host, b"ready")
        host.terminate(0.5)
        await host.echo()  # the host has heard it
    await until((host.directory / "exit.json").exists)
    ended = json.loads((host.directory / "exit.json").read_text())
    assert (ended["code"], ended["asked"], ended["left"]) == (-signal.SIGKILL, True, 0)
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        assert (host.exit_code, host.asked, host.end) == (-signal.SIGKILL, True, ended["end"])


async def test_told_again_the_shorter_grace_holds(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(DEAF)
        await it.until_said(host, b"ready")
        host.terminate(1000)
        host.terminate(0.1)
        host.terminate(1000)
        async with asyncio.timeout(WITHIN_S):
            assert await host.ended() == -signal.SIGKILL


async def test_a_stopped_agent_is_woken_to_end(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(POLITE)
        await it.until_said(host, b"ready")
        host.signal(signal.SIGSTOP)
        await until(
            lambda: Path(f"/proc/{host.pid}/stat").read_text().rsplit(")")[1].split()[0] == "T"
        )
        host.terminate(20.0)
        assert await host.ended() == 3


@pytest.mark.parametrize("met", [True, False])
async def test_a_host_that_hangs_is_killed_with_all_that_is_in_it(
    stage: Open, monkeypatch: pytest.MonkeyPatch, met: bool
) -> None:
    monkeypatch.setattr(pod_host, "FORCE_S", 0.3)
    async with stage() as it:
        host = await it.python(ESCAPE, "stays")
        said = await it.until_said(host, b"\r\n")
        hangs = host.host_process()
        assert hangs
        if met:
            os.kill(hangs, signal.SIGSTOP)
            assert not await host.answers()
            assert await host.end_within(0.1) is None
    if not met:
        os.kill(hangs, signal.SIGSTOP)
        async with stage() as it:
            (host,) = await it.hosts.adopt()
            assert not await host.answers()
            assert await host.end_within(0.1) is None
    assert (host.lost, host.reason) == (True, "its host was killed")
    left = (hangs, host.pid or hangs, int(said.split()[1]))
    await until(lambda: not any(alive(pid) for pid in left))


async def test_a_host_that_works_answers(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(POLITE)
        await it.until_said(host, b"ready")
        assert await host.answers()
        assert await host.end_within(1000) == 3
        assert await host.answers()


@pytest.mark.parametrize("stays", [True, False])
async def test_no_process_is_left_behind_wherever_it_went(stage: Open, stays: bool) -> None:
    async with stage() as it:
        host = await it.python(ESCAPE, *(["stays"] if stays else []))
        said = await it.until_said(host, b"\r\n")
        left = int(said.split()[1])
        if stays:
            assert alive(left)
            host.terminate(0.3)
        await host.ended()
        assert not alive(left)
        assert host.asked == stays


async def test_a_grandchild_that_holds_the_pty_delays_the_end_by_two_seconds_at_most(
    stage: Open,
) -> None:
    async with stage() as it:
        host = await it.start(
            "sh", "-c", "(trap '' HUP TERM; echo held $$; sleep 1000) & sleep 0.1; echo end; exit 3"
        )
        await it.until_said(host, b"end")
        began = time.monotonic()
        assert await host.ended() == 3
        assert time.monotonic() - began < 4


async def test_what_a_grandchild_writes_while_it_ends_is_kept(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("sh", "-c", "trap '' HUP; (sleep 0.3; echo last words) & exit 4")
        assert await host.ended() == 4
        assert b"last words" in await it.output(host)


async def test_the_foreground_job_of_a_shell_hears_the_hang_up_too(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("bash", "--norc", "-i")
        program = POLITE.replace("'", '"').replace("bye,", "bye ,").strip()
        path = host.directory / "polite.py"
        path.write_text(program)
        await host.input(b"python3 %s\r" % str(path).encode())
        await it.until_said(host, b"ready")
        host.terminate(10.0)
        await host.ended()
        assert b"bye SIGHUP" in await it.output(host)


async def test_a_jail_is_left_to_end_with_what_it_confines(stage: Open, tmp_path: Path) -> None:
    jail = tmp_path / "bwrap"  # known by its name
    shutil.copy(shutil.which("sh"), jail)
    path = tmp_path / "polite.py"
    path.write_text(POLITE)
    async with stage() as it:
        host = await it.start(str(jail), "-c", f"python3 {path}; exit $?")
        await it.until_said(host, b"ready")
        host.terminate(10.0)
        assert await host.ended() == 3


async def test_a_signal_goes_to_the_group_or_to_everyone(stage: Open) -> None:
    async with stage() as it:
        host = await it.start(
            "sh", "-c", "setsid sleep 1000 & echo $!; trap '' TERM; wait; wait; echo on; read x"
        )
        other = int((await it.until_said(host, b"\r\n")).split()[0])
        host.signal(signal.SIGTERM)
        await host.echo()
        assert alive(other)
        host.signal(signal.SIGTERM, everyone=True)
        await until(lambda: not alive(other))
        assert host.running


async def test_all_pods_of_a_home_end_without_a_server(stage: Open, config) -> None:
    async with stage() as it:
        hosts = [await it.start("sleep", "1000") for _ in range(3)]
        ended = await it.start("true")
        await ended.ended()
    assert await end_all(config, 1.0) == 3
    for host in hosts:
        assert not alive(host.pid)
        assert json.loads((host.directory / "exit.json").read_text())["asked"]
    assert await end_all(config, 1.0) == 0


async def test_an_ended_host_is_gone_with_its_socket(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("true")
        process = json.loads((host.directory / "meta.json").read_text())["host"]
        await host.ended()
        await until(lambda: not alive(process))
        assert not (it.config.sockets / f"{host.pod}.sock").exists()


def test_ending_is_planned_by_the_shortest_grace() -> None:
    ending = Ending()
    assert ending.next_at() is None
    ending.ask(100.0, 10.0)
    assert ending.due(100.0) == [signal.SIGHUP]
    assert ending.due(105.0) == [signal.SIGTERM]
    ending.agent_ended(106.0)
    assert ending.due(108.0) == [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL]
    assert not ending.given_up(108.0)
    assert ending.due(108.2) == [signal.SIGKILL]
    assert ending.given_up(108.0 + GIVE_UP_S)
