"""What goes on when the daemon, the template, the socket or the disk does not."""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from runner_agent.config import Config
from runner_agent.podhost import files
from runner_agent.terminals.hosts import Launch, PodHosts, template_argv
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import PATH, WITHIN_S, Stage, alive, until

LINES = 30_000
FLOOD = """
import sys, tty
tty.setraw(0)
for n in range(int(sys.argv[1])):
    sys.stdout.write('%07d %s\\n' % (n, 'x' * 55))
sys.stdout.flush()
"""
WAITING_FLOOD = FLOOD.replace("for n", "print('ready', flush=True); sys.stdin.read(1)\nfor n")
WANTED = b"".join(b"%07d %s\n" % (n, b"x" * 55) for n in range(LINES))
DAEMON = """
import asyncio, sys
from pathlib import Path
from runner_agent.config import Config
from runner_agent.terminals.hosts import PodHosts
from runner_agent.messages import OpenFeed
from runner_agent.terminals.terminals import Terminals

async def main():
    async with PodHosts(Config(home=Path(sys.argv[1]), sockets=Path(sys.argv[2]))) as hosts:
        (host,) = await hosts.adopt()
        terminals = Terminals(hosts)
        terminals.handle(OpenFeed(1, host.pod, 0, live=True))
        async for event in terminals.events():
            print(event, flush=True)

asyncio.run(main())
"""


async def test_a_restarted_daemon_finds_its_pods_and_their_output(stage: Open) -> None:
    async with stage() as it:
        living = await it.start("sh", "-c", "echo before; read x; echo after; exec sleep 1000")
        await it.until_said(living, b"before")
        ended = await it.start("sh", "-c", "echo over; exit 5")
        await ended.ended()
    async with stage() as it:
        found = {host.pod: host for host in await it.hosts.adopt()}
        assert found.keys() == {living.pod, ended.pod}
        assert found[ended.pod].exit_code == 5
        assert not found[ended.pod].running
        again = found[living.pod]
        assert (again.running, again.pid) == (True, living.pid)
        await again.input(b"\r")
        assert (await it.until_said(again, b"after\r\n")) == b"before\r\n\r\nafter\r\n"


async def test_killing_a_daemon_in_a_flood_loses_and_repeats_nothing(
    stage: Open, config: Config
) -> None:
    async with stage() as it:
        host = await it.python(FLOOD, str(LINES))
    for _ in range(3):
        daemon = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            DAEMON,
            str(config.home),
            str(config.sockets),
            stdout=subprocess.PIPE,
        )
        assert daemon.stdout is not None
        await daemon.stdout.readline()  # it shows the flood
        daemon.kill()
        await daemon.wait()
        daemon._transport.close()  # type: ignore[attr-defined]
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        reading = await it.read(host)
        assert reading.data == WANTED
        assert host.exit_code == 0


async def test_killing_the_template_in_a_flood_harms_no_pod(
    config: Config, own_sockets: Path
) -> None:
    config = replace(config, sockets=own_sockets)
    template = serve(config)
    async with Stage.of(config) as it:
        host = await it.python(FLOOD, str(LINES))
        await host.output_after(0)
        template.kill()
        template.wait()
        assert (await it.read(host)).data == WANTED
        assert await host.ended() == 0


async def test_a_template_waits_for_the_one_that_serves(config: Config, own_sockets: Path) -> None:
    config = replace(config, sockets=own_sockets)
    lock = str(own_sockets / files.SPAWN_LOCK)
    first = serve(config)
    await until(lambda: files.holder(lock) == first.pid)
    second = serve(config)
    async with PodHosts(config) as hosts:
        launch = Launch("pod-first", ("true",), {"PATH": PATH}, "/")
        assert await (await hosts.spawn(launch)).ended() == 0
        first.kill()
        first.wait()
        await until(lambda: files.holder(lock) == second.pid)
        assert await (await hosts.spawn(replace(launch, pod="pod-second"))).ended() == 0
    second.kill()
    second.wait()


async def test_a_template_ends_with_the_directory_of_its_sockets(
    config: Config, own_sockets: Path
) -> None:
    place = own_sockets / "inner"
    place.mkdir()
    template = serve(replace(config, sockets=place))
    await until((place / files.SPAWN_SOCKET).exists)
    shutil.rmtree(place)
    await asyncio.to_thread(template.wait, WITHIN_S)
    assert template.returncode == 0


async def test_a_socket_that_was_cleaned_away_comes_back(stage: Open, config: Config) -> None:
    async with stage() as it:
        host = await it.start("cat")
    (config.sockets / f"{host.pod}.sock").unlink()
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        await host.input(b"found\r")
        await it.until_said(host, b"found")


async def test_a_connection_that_breaks_is_made_again(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("cat")
        link = host.link
        assert link is not None
        link.close()
        await until(lambda: host.link not in {None, link})
        await host.input(b"again\r")
        await it.until_said(host, b"again")


async def test_a_host_that_is_killed_is_lost_with_its_agent_and_nobody_else(stage: Open) -> None:
    async with stage() as it:
        host, neighbour = await it.start("sh", "-c", "echo here; exec cat"), await it.start("cat")
        await it.until_said(host, b"here")
        os.kill(process_of(host.directory), signal.SIGKILL)
        assert await host.ended() is None
        assert host.lost
        assert host.reason == "its host was killed"
        await until(lambda: not alive(host.pid))
        assert await it.output(host) == b"here\r\n"
        assert neighbour.running
    async with stage() as it:
        lost = {found.pod: found.lost for found in await it.hosts.adopt()}
        assert lost == {host.pod: True, neighbour.pod: False}


async def test_a_pod_of_before_the_machines_restart_is_lost_and_says_so(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("cat")
        os.kill(process_of(host.directory), signal.SIGKILL)
        await host.ended()
    meta = json.loads((host.directory / "meta.json").read_text())
    (host.directory / "meta.json").write_text(json.dumps(meta | {"boot_id": "of yesterday"}))
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        assert (host.lost, host.reason) == (True, "the machine was restarted")


async def test_a_full_disk_pauses_the_agent_and_loses_nothing(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(WAITING_FLOOD, str(LINES))
        process = process_of(host.directory)
        full = 100_000
        before = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (full, before[1]))
        await it.until_said(host, b"ready")
        await host.input(b"\n")
        await until(lambda: host.end == full)
        assert host.running
        assert len(await it.output(host)) == full
        assert await host.echo() in {True, False}  # the host answers
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
        assert await host.ended() == 0
        assert await it.output(host) == b"ready\n" + WANTED


async def test_a_pod_can_be_ended_while_the_disk_is_full(stage: Open, monkeypatch) -> None:
    async with stage() as it:
        host = await it.python(WAITING_FLOOD, str(LINES))
        process = process_of(host.directory)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (8192, 8192))
        await it.until_said(host, b"ready")
        await host.input(b"\n")
        await until(lambda: host.end == 8192)
        host.terminate(0.1)
        assert await host.ended() is not None
        ended = json.loads((host.directory / "exit.json").read_text())
        assert ended["end"] == 8192
        assert ended["lost_bytes"] > 0


async def test_past_log_max_the_oldest_output_goes(stage: Open, config: Config) -> None:
    async with Stage.of(replace(config, log_max=1 << 18)) as it:
        host = await it.python(FLOOD, str(LINES))
        await host.ended()
        reading = await it.read(host)
        first = host.log.first()
        assert 0 < first == len(WANTED) - len(reading.data)
        assert reading.data == WANTED[first:]
        assert reading.events[1].to == first
        await it.terminals.screen(host.pod)
        left = list((host.directory / "log").iterdir())
        assert min(int(path.stem, 16) for path in left) == first
        assert sum(path.stat().st_size for path in left if path.suffix != ".screen") <= 1 << 18


async def test_a_pods_directory_can_go_once_it_is_forgotten(
    stage: Open, no_open_descriptors
) -> None:
    async with stage() as it:
        host = await it.start("true")
        await host.ended()
        await it.output(host)
        it.hosts.forget(host.pod)
        shutil.rmtree(host.directory)
        assert it.hosts.get(host.pod) is None
        assert await it.hosts.adopt() == []


def serve(config: Config) -> subprocess.Popen[bytes]:
    """A template."""
    return subprocess.Popen(template_argv(config), env={})


def process_of(directory: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return int(json.loads((directory / "meta.json").read_text())["host"])
    raise AssertionError("no host was started")
