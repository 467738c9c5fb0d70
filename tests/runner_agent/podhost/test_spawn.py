import json
import os
import signal
import socket

from runner_agent.podhost import wire
from runner_agent.terminals.hosts import HostError, Launch, PodHosts
from tests.runner_agent.podhost.conftest import Open
from tests.runner_agent.podhost.stage import until
from tests.runner_agent.signals import GLIBCS_OWN

TELL = """
import json, os, signal
ignored = [s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN]
blocked = [s.name for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])]
fds = sorted(os.listdir('/proc/self/fd'), key=int)
fds.remove(str(max(map(int, fds))))  # of the listing itself
print(json.dumps(dict(env=dict(os.environ), cwd=os.getcwd(), pid=os.getpid(), sid=os.getsid(0), pgrp=os.getpgrp(),
    foreground=os.tcgetpgrp(0), size=os.get_terminal_size(), fds=fds, blocked=blocked, umask=os.umask(0),
    ignored=[name for name in ignored if name not in ('SIGPIPE', 'SIGXFSZ')], status=open('/proc/self/status').read())))
"""


async def test_an_agent_gets_exactly_what_its_launch_says(stage: Open, tmp_path) -> None:
    async with stage() as it:
        env = {"ONLY": "this", "LC_CTYPE": "C.UTF-8"}
        host = await it.python(TELL, env=env, cwd=str(tmp_path), cols=101, rows=37)
        assert await host.ended() == 0
        told = json.loads(await it.output(host))
    assert told["env"] == env
    assert told["cwd"] == str(tmp_path)
    assert told["size"] == [101, 37]
    assert told["fds"] == ["0", "1", "2"]
    assert told["umask"] == 0o022


async def test_an_agent_leads_a_session_of_its_own_with_plain_signals(stage: Open) -> None:
    async with stage() as it:
        host = await it.python(TELL)
        await host.ended()
        told = json.loads(await it.output(host))
    assert told["pid"] == host.pid == told["sid"] == told["pgrp"] == told["foreground"]
    assert told["blocked"] == []
    ignored = next(line for line in told["status"].splitlines() if line.startswith("SigIgn"))
    python_ignores = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    assert int(ignored.split()[1], 16) & ~python_ignores & ~GLIBCS_OWN == 0


async def test_ctrl_c_ends_a_program_without_a_handler(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("sh", "-c", "echo ready; exec sleep 100")
        await it.until_said(host, b"ready")
        await host.input(b"\x03")
        assert await host.ended() == -signal.SIGINT


async def test_a_command_that_cannot_be_run_says_so_and_ends_with_127(stage: Open) -> None:
    async with stage() as it:
        for options in ({}, {"cwd": "/no/such/place"}, {"env": {"PATH": "/nowhere"}}):
            argv = ("no-such-agent",) if not options else ("sh",)
            host = await it.start(*argv, **options)
            assert await host.ended() == 127
            assert argv[0].encode() in await it.output(host)


async def test_the_exit_code_is_the_agents(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("sh", "-c", "exit 7")
        assert await host.ended() == 7
        killed = await it.start("sh", "-c", "kill -KILL $$")
        assert await killed.ended() == -signal.SIGKILL
        assert not killed.asked


async def test_spawning_a_pod_again_finds_the_first_one(stage: Open, pod: str) -> None:
    async with stage() as it:
        first = await it.start("sleep", "100", pod=pod)
    async with stage() as it:
        assert (await it.start("sh", "-c", "exit 1", pod=pod)).pid == first.pid
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        host.terminate(0)
        await host.ended()
    async with stage() as it:
        again = await it.start("sh", "-c", "exit 1", pod=pod)
        assert again.exit_code == host.exit_code


async def test_a_long_command_line_and_environment_arrive_whole(stage: Open) -> None:
    async with stage() as it:
        long = "x" * 100_000
        program = "import os, sys; print(len(sys.argv[1]), len(os.environ['LONG']), len(os.environ['MORE']))"
        host = await it.python(program, long, env={"LONG": long, "MORE": long})
        await host.ended()
        assert await it.output(host) == b"100000 100000 100000\r\n"


async def test_a_host_obeys_only_who_knows_its_key(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("cat")
        path = it.config.sockets / f"{host.pod}.sock"
        for first in (
            wire.frame(wire.KEY, b"\1" + b"0" * 64),
            wire.frame(wire.TERMINATE, bytes(8)),
        ):
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.settimeout(5)
                stranger.connect(str(path))
                stranger.sendall(first)
                assert stranger.recv(100) == b""
        assert host.running
        assert path.stat().st_mode & 0o777 == 0o600
        assert (host.directory / "host.key").stat().st_mode & 0o777 == 0o600


async def test_strangers_who_fill_the_socket_do_not_keep_the_daemon_out(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("cat")
        path = str(it.config.sockets / f"{host.pod}.sock")
    strangers = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for stranger in strangers:
        stranger.connect(path)
    async with stage() as it:
        (host,) = await it.hosts.adopt()
        assert host.link is not None
    for stranger in strangers:
        stranger.close()


async def test_garbage_on_the_socket_ends_the_connection_and_nothing_else(stage: Open) -> None:
    async with stage() as it:
        host = await it.start("cat")
        key = wire.frame(wire.KEY, b"\1" + (host.directory / "host.key").read_bytes())
        path = str(it.config.sockets / f"{host.pod}.sock")
        for garbage in (
            wire.HEAD.pack(1 << 30, wire.INPUT),
            wire.frame(wire.RESIZE, b"x"),
            wire.frame(wire.INPUT, b""),
            wire.frame(wire.INPUT, b"\xff123"),
            wire.frame(wire.SIGNAL, bytes((255, 1))) + wire.frame(wire.RESIZE, b""),
        ):
            with socket.socket(socket.AF_UNIX) as known:
                known.settimeout(5)
                known.connect(path)
                known.sendall(key + garbage)
                while known.recv(1 << 16):
                    continue
        await host.input(b"still here\r")
        await it.until_said(host, b"still here")


async def test_a_daemon_without_a_template_starts_one_that_is_nobodys_child(
    config, own_sockets
) -> None:
    from dataclasses import replace

    from runner_agent.podhost import files

    config = replace(config, sockets=own_sockets)
    async with PodHosts(config) as hosts:
        env = {"PATH": os.environ["PATH"]}
        host = await hosts.spawn(Launch("pod-alone", ("true",), env, "/"))
        assert await host.ended() == 0
        template = files.holder(str(own_sockets / files.SPAWN_LOCK))
        assert template is not None
        assert os.getpgid(template) != os.getpgid(0)
    os.kill(template, signal.SIGTERM)
    await until(lambda: files.holder(str(own_sockets / files.SPAWN_LOCK)) is None)


async def test_a_socket_path_that_is_too_long_is_refused_with_the_cure(config, tmp_path) -> None:
    from dataclasses import replace

    import pytest

    config = replace(config, sockets=tmp_path / ("x" * 100))
    async with PodHosts(config) as hosts:
        with pytest.raises(HostError, match="MESH_RUNNER_SOCKETS"):
            await hosts.spawn(Launch("pod-long", ("true",), {}, "/"))
