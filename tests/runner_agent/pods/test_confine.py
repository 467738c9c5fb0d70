"""The jail from the inside, by real programs on a real PTY."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from runner_agent.jail import confine, execute, toolchains
from runner_agent.jail.confine import Confinement
from tests.runner_agent.pods.rig import supervised
from tests.runner_agent.signals import GLIBCS_OWN

PROMPT = "$ "
SHELL = ["bash", "--norc", "--noprofile", "-i"]
PLAIN = {"env": {"PS1": PROMPT}}


async def inside(config, jail, script: str) -> str:
    work = config.workspaces / "w"
    tmp = config.pods / "t"
    for path in (work, tmp):
        path.mkdir(exist_ok=True)
    prefix = jail.confine(Confinement(cwd=work, tmp=tmp, writable=(work,)))
    done = await execute.run(
        (*prefix, "sh", "-c", script), cwd=work, env={"PATH": config.path}, timeout_s=20
    )
    return (done.stdout + done.stderr).decode()


async def test_of_the_runners_home_only_the_pods_own_is_there(config, jail):
    (config.home / "key.pem").write_text("KEY")
    (config.pods / "pod-other").mkdir()
    said = await inside(config, jail, f"find {config.home}; cat {config.home}/key.pem")
    assert "KEY" not in said
    assert "pod-other" not in said
    assert str(config.workspaces / "w") in said


async def test_a_home_below_a_readable_directory_is_hidden_all_the_same(config, monkeypatch):
    monkeypatch.setattr(confine, "_SYSTEM", (*confine._SYSTEM, str(config.home.parent)))
    (config.home / "key.pem").write_text("KEY")
    jail = await confine.detect(config)
    assert jail.level == "jail", jail.problem
    said = await inside(config, jail, f"cat {config.home}/key.pem; ls {config.home}")
    assert "KEY" not in said


async def test_the_system_cannot_be_written_and_the_workspace_can(config, jail):
    script = "for d in /usr /etc /bin .; do touch $d/mesh-probe && echo wrote $d; done"
    assert [s for s in (await inside(config, jail, script)).splitlines() if "wrote" in s] == [
        "wrote ."
    ]
    assert (config.workspaces / "w/mesh-probe").exists()


async def test_roots_secrets_in_etc_are_hidden(config, jail):
    said = await inside(config, jail, "cat /etc/shadow /etc/gshadow; ls /etc/ssl/private")
    assert "root:" not in said


async def test_other_processes_cannot_be_seen_or_reached(config, jail):
    me = os.getpid()
    said = await inside(config, jail, f"ls /proc | grep -c '^[0-9]'; kill -0 {me} && echo reached")
    assert int(said.splitlines()[0]) < 8
    assert "reached" not in said


async def test_the_users_own_files_are_not_there(config, jail):
    said = await inside(config, jail, f"ls -A {Path.home()}/.ssh {Path.home()}/.bash_history")
    assert said.count("No such file") == 2


async def test_tmp_is_the_pods_own(config, jail):
    said = await inside(config, jail, "echo x > /tmp/a; ls /var/tmp")
    assert "a" in said.split()
    assert (config.pods / "t/a").read_text() == "x\n"


async def test_the_toolchains_the_runner_runs_on_work(config, jail):
    said = await inside(
        config, jail, f"{sys.executable} -c 'import json, ssl; print(json.__file__)'"
    )
    assert "json/__init__.py" in said


async def test_the_network_can_be_taken_away(config, jail):
    prefix = jail.confine(Confinement(cwd=Path("/"), network=False))
    done = await execute.run((*prefix, "cat", "/proc/net/dev"), cwd=Path("/"), env={}, timeout_s=10)
    interfaces = [line for line in done.stdout.decode().splitlines() if ":" in line]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]


async def test_ctrl_c_ends_the_foreground_job_and_not_the_pod(config):
    async with supervised(config) as rig:
        host = await rig.start(SHELL, **PLAIN)
        await rig.shows(host, PROMPT)
        await rig.type(host, "sh -c 'echo in-$((1+1)); exec sleep 300'\r")
        await rig.shows(host, "in-2")
        await rig.type(host, "\x03")
        await rig.shows(host, "^C")
        await rig.type(host, "echo back-$((1+1))\r")
        await rig.shows(host, "back-2")


async def test_ctrl_c_reaches_an_agent_that_runs_without_a_shell(config):
    """bwrap is in its process group, and must not die of it."""
    async with supervised(config) as rig:
        script = (
            "import itertools, signal\ncount = itertools.count(1)\n"
            "signal.signal(signal.SIGINT, lambda *_: print(f'caught-{next(count)}'))\n"
            "print('ready')\nwhile True: signal.pause()"
        )
        host = await rig.start(["python3", "-u", "-c", script])
        await rig.shows(host, "ready")
        for number in (1, 2):
            await rig.type(host, "\x03")
            await rig.shows(host, f"caught-{number}")
        assert host.running


async def test_job_control_works(config):
    async with supervised(config) as rig:
        host = await rig.start(SHELL, **PLAIN)
        await rig.shows(host, PROMPT)
        await rig.type(host, "sh -c 'echo in-$((1+1)); exec sleep 300'\r")
        await rig.shows(host, "in-2")
        await rig.type(host, "\x1a")
        await rig.shows(host, "Stopped")
        await rig.type(host, "bg; jobs; kill %1; wait; echo over-$?\r")
        await rig.shows(host, "Running")
        await rig.shows(host, "over-0")


async def test_a_resize_reaches_the_agent(config):
    async with supervised(config) as rig:
        script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done"
        host = await rig.start(["bash", "-c", script], cols=80, rows=24)
        await rig.shows(host, "ready")
        host.resize(101, 33)
        await rig.shows(host, "33 101")


async def test_signals_inside_have_their_defaults(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "grep -E 'Sig(Ign|Blk)' /proc/self/status; echo over"])
        shown = await rig.shows(host, "over")
        masks = [int(line.split()[1], 16) for line in shown.splitlines() if "Sig" in line]
        assert [mask & ~GLIBCS_OWN for mask in masks] == [0, 0]


async def test_where_env_is_old_python_starts_the_program(config, jail):
    python = (sys.executable, "-I", "-S", "-c", confine._PYTHON_LAUNCHER)
    old = replace(jail, signals=((*python, "SIG_IGN"), (*python, "SIG_DFL")))
    said = await inside(config, old, "grep SigIgn /proc/self/status; kill -TERM $$; echo survived")
    assert int(said.split()[1], 16) & ~GLIBCS_OWN == 0
    assert "survived" not in said


async def test_an_agent_killed_by_a_signal_ends_with_128_and_that_signal(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "kill -KILL $$"])
        assert await host.ended() == 128 + signal.SIGKILL


async def test_why_there_is_no_jail_is_said(config, tmp_path):
    off = await confine.detect(replace(config, isolation="none"))
    assert (off.level, "isolation = none" in off.problem) == ("none", True)
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho no permission >&2; exit 1\n")
    broken.chmod(0o755)
    found = await confine.detect(replace(config, path=str(tmp_path)))
    assert (found.level, "no permission" in found.problem) == ("none", True)


def test_toolchains_show_neither_a_persons_home_nor_what_lies_beside_a_bin(config, tmp_path):
    prefix = tmp_path / "local"
    for name in ("bin", "lib", "share"):
        (prefix / name).mkdir(parents=True)
    path = f"{prefix / 'bin'}:{Path.home()}:/usr/bin:{config.home / 'x'}"
    found = toolchains.find(replace(config, path=path), system=("/usr",))
    assert prefix / "bin" in found
    assert prefix / "lib" in found
    assert prefix / "share" not in found
    assert Path.home() not in found
    assert not [
        one for one in found if one.is_relative_to("/usr") or one.is_relative_to(config.home)
    ]


def test_an_agent_behind_a_link_is_shown_where_it_really_lies(config, tmp_path):
    real = tmp_path / "share/claude/versions"
    real.mkdir(parents=True)
    (real / "1.2.3").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").symlink_to(real / "1.2.3")
    assert real in toolchains.find(replace(config, path=str(tmp_path / "bin")), system=())
