"""A declared agent's launch: its words, environment and files; its secrets, and that nothing of them stays."""

import contextlib
import json
import os
import signal
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from runner_agent.messages import Command, CommandError
from runner_agent.pods.records import Records
from tests.runner_agent.pods.rig import daemon, git, new_key, supervised, until

KEY = "sk-secret-0123456789-abcdefghijklmnopqrst"
SHOW = 'printf "%s|" "$@"; echo; env; cat "$HOME"/.agent/*; cat'

NAMED_AS_HERE = "$HOME/projects/$(pwd | tr -c 'A-Za-z0-9\n' -)"


def declared(**changes):
    return {
        "slug": "sample",
        "name": "Sample",
        "launch": {
            "argv": ["sh", "-c", SHOW, "sh", "{session}", "{model}", "{pod}", "{unknown}"],
            "resume": ["sh", "-c", SHOW, "sh", "again", "{resume}"],
            "fork": ["sh", "-c", SHOW, "sh", "forked", "{resume}", "{session}"],
            "env": {
                "URL": "{mcp_url}",
                "LAST": "{secret:api_key[-4:]}",
                "GONE": "{secret:base_url}",
            },
        },
        "files": [
            {
                "path": "{home}/.agent/config.json",
                "content": '{"trusted": "{workspace}",\n "base": "{secret:base_url}",\n "key": "{secret:api_key}"}\n',
            },
            {"path": "{files}/hooks.sh", "content": "#!/bin/sh\n", "mode": "0755"},
        ],
        "credentials": {
            "api_key": "SAMPLE_KEY",
            "base_url": "SAMPLE_URL",
            "login": [".sample/login.json"],
        },
        **changes,
    }


async def start(rig, pod="", agent=None, secrets=None, **payload):
    pod = pod or new_key()
    held = {"pod": pod, "agent": agent or declared(), "session": "s-1", "model": "big", **payload}
    held["secrets"] = {name: f"secret:{name}" for name in secrets or {}}
    await rig.supervisor.do(Command("c1", 1, "start", pod, held, secrets=secrets or {}))
    return rig.hosts.get(pod)


def holding(directory: Path, text: str) -> list[str]:
    """Files below the directory that hold the text, terminal logs excepted."""
    return [
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and "/log/" not in str(path) and text.encode() in path.read_bytes()
    ]


def command_lines() -> str:
    """Of every process of this machine."""
    words = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            words.append(path.read_text(errors="replace"))
    return " ".join(words)


async def test_words_environment_and_files_are_filled(config, repository):
    async with supervised(config) as rig:
        rig.supervisor._tokens.url = "http://127.0.0.1:1/mcp"
        workspace = {"id": 1, "repository_url": str(repository)}
        host = await start(rig, secrets={"api_key": KEY}, workspace=workspace, env={"OWN": "x"})
        shown = await rig.shows(host, '"key"')
        home, tree = config.homes / host.pod, config.workspaces / host.pod
        assert f"s-1|big|{host.pod}|{{unknown}}|" in shown
        assert "URL=http://127.0.0.1:1/mcp" in shown
        assert f"LAST={KEY[-4:]}\r\n" in shown
        assert f"SAMPLE_KEY={KEY}" in shown
        assert "OWN=x" in shown
        assert "GONE=" not in shown
        assert "SAMPLE_URL" not in shown
        written = (home / ".agent" / "config.json").read_text()
        assert json.loads(written) == {"trusted": str(tree), "key": KEY}
        assert stat.S_IMODE((home / ".agent" / "config.json").stat().st_mode) == 0o600
        hooks = config.pods / host.pod / "files" / "hooks.sh"
        assert stat.S_IMODE(hooks.stat().st_mode) == 0o755
        result = await rig.do("execute", host.pod, argv=["sh", "-c", f"echo x >> {hooks}"])
        assert "Read-only" in result["stderr"]
        assert git(tree, "status", "--porcelain", "--ignored") == ""


async def test_a_secret_is_in_the_agents_environment_and_private_files_alone_and_gone_at_the_end(
    config,
):
    async with supervised(config) as rig:
        host = await start(rig, secrets={"api_key": KEY})
        await rig.shows(host, '"key"')
        assert holding(config.home, KEY) == [f"homes/{host.pod}/.agent/config.json"]
        assert KEY not in command_lines()
        token = (config.homes / host.pod / ".mesh" / "token").read_text()
        await rig.do("terminate", host.pod, grace_s=0)
        await until(lambda: any(report.state == "ended" for report in rig.outbox.reports))
        assert holding(config.home, KEY) == []
        assert holding(config.home, token) == []
        assert not (config.pods / host.pod / "files").exists()


async def test_secrets_of_a_pod_that_ended_without_a_daemon_are_removed_by_the_next(config):
    async with daemon(config) as rig:
        host = await start(rig, secrets={"api_key": KEY})
        pid = host.pid
    assert holding(config.home, KEY)
    os.kill(pid, signal.SIGKILL)
    await until((host.directory / "exit.json").exists)
    async with supervised(config) as rig:
        await until(lambda: any(report.state == "ended" for report in rig.outbox.reports))
        assert holding(config.home, KEY) == []


async def test_secrets_of_a_start_that_a_crash_cut_short_are_removed_at_the_next(config):
    async with daemon(config) as rig:
        host = await start(rig, secrets={"api_key": KEY})
        await ended(rig, host)
        record = rig.supervisor.record(host.pod)
        places = rig.supervisor._records.places(host.pod)
    for path in places.pod.iterdir():  # as it lies there before the host is spawned
        if path.is_file():
            path.unlink()
    (places.home / ".agent" / "config.json").write_text(KEY)
    Records(config).add(record)
    async with supervised(config):
        assert holding(config.home, KEY) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"launch": {"argv": ["sh", "{secret:api_key}"]}}, "A secret may only stand"),
        ({"files": [{"path": "{workspace}/x"}]}, "no place for a file"),
        ({"files": [{"path": "{home}/../x"}]}, "no place for a file"),
        ({"files": [{"path": "/etc/x"}]}, "no place for a file"),
        ({"files": [{"path": "{home}"}]}, "no place for a file"),
        ({"files": [{"path": "{secret:api_key}"}]}, "A secret may only stand"),
        (
            {"files": [{"path": "{home}/x", "content": "{secret:api_key}", "mode": "0644"}]},
            "its mode is 0600",
        ),
        ({"files": [{"path": "{home}/x", "mode": "rw"}]}, "has the mode"),
        ({"launch": {"argv": ["sh"], "env": {"LD_PRELOAD": "x"}}}, "not taken"),
        ({"launch": {"argv": ["sh"], "env": {"X": "\ud800"}}}, "The value of X is no text"),
        ({"install": {"kind": "none", "program": "../evil"}}, "install.program cannot be"),
        ({"install": {"kind": "npm", "package": "--global"}}, "install.package cannot be"),
        ({"install": {"kind": "npm", "package": "a", "version": "file:/x"}}, "install.version"),
    ],
)
async def test_a_declaration_that_would_leak_or_stray_is_refused_and_leaves_nothing(
    config, changes, word
):
    async with supervised(config) as rig:
        pod = new_key()
        with pytest.raises(CommandError, match=word):
            await start(rig, pod, declared(**changes), secrets={"api_key": KEY})
        left = [str(path) for path in config.home.rglob("*") if pod in path.name]
        assert left == []
        assert holding(config.home, KEY) == []


async def test_a_credential_set_that_is_gone_is_said(config):
    async with supervised(config) as rig:
        held = {"agent": declared(), "secrets": {"api_key": "secret:1"}}
        with pytest.raises(CommandError) as refused:
            await rig.supervisor.do(Command("c1", 1, "start", new_key(), held))
        assert refused.value.code == "no_secret"


# ---- Logins of the Runner's user


@pytest.fixture
def user_home(tmp_path, monkeypatch):
    home = tmp_path / "user"
    (home / ".sample").mkdir(parents=True)
    (home / ".sample" / "login.json").write_text("login-" + KEY)
    monkeypatch.setenv("HOME", str(home))
    return home


async def test_a_login_is_lent_only_by_a_runner_that_allows_it(config, user_home):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await start(rig, use_login=True)
        assert refused.value.code == "login_refused"
        assert "allow_login = true" in refused.value.message
    async with supervised(replace(config, allow_login=True)) as rig:
        host = await start(rig, use_login=True)
        copy = config.homes / host.pod / ".sample" / "login.json"
        assert copy.read_text() == "login-" + KEY
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        without = await start(rig)
        assert not (config.homes / without.pod / ".sample").exists()
        await rig.do("terminate", host.pod, grace_s=0)
        await until(lambda: any(report.state == "ended" for report in rig.outbox.reports))
        assert holding(config.home, KEY) == []
        assert (user_home / ".sample" / "login.json").exists()


async def test_without_a_login_it_is_said_what_to_do(config, user_home):
    (user_home / ".sample" / "login.json").unlink()
    async with supervised(replace(config, allow_login=True)) as rig:
        with pytest.raises(CommandError, match="not logged in to Sample") as refused:
            await start(rig, use_login=True)
        assert refused.value.code == "no_login"


# ---- Going on


async def ended(rig, host):
    await rig.do("terminate", host.pod, grace_s=0)
    await until(lambda: any(r.pod == host.pod and r.state == "ended" for r in rig.outbox.reports))


async def test_a_resumed_pod_has_the_workspace_and_the_home_of_before_at_the_same_paths(
    config, repository
):
    async with supervised(config) as rig:
        workspace = {"id": 1, "repository_url": str(repository)}
        first = await start(rig, secrets={"api_key": KEY}, workspace=workspace)
        talk = config.homes / first.pod / ".agent" / "talk"
        await rig.do(
            "execute", first.pod, argv=["sh", "-c", "echo said > $HOME/.agent/talk; echo w > w"]
        )
        before = (config.homes / first.pod / ".mesh" / "token").read_text()
        await ended(rig, first)
        second = await start(rig, resumes=first.pod, resume=True, conversation="its-own-name")
        shown = await rig.shows(second, "said")
        assert "again|its-own-name|" in shown
        assert f"HOME={config.homes / first.pod}\r\n" in shown
        assert f"PWD={config.workspaces / first.pod}\r\n" in shown
        assert f"MESH_POD={second.pod}\r\n" in shown
        assert KEY not in shown
        token = (config.homes / first.pod / ".mesh" / "token").read_text()
        assert token != before
        assert rig.supervisor._tokens.pod_of(token) == second.pod
        result = await rig.do("execute", second.pod, argv=["cat", "w"])
        assert result["stdout"] == "w\n"
        await ended(rig, second)
        third = await start(rig, resumes=second.pod, resume=True)
        assert "again|s-1|" in await rig.shows(third, "said")
        assert talk.read_text() == "said\n"


async def test_it_goes_on_after_a_restart_of_the_daemon_too(config):
    async with daemon(config) as rig:
        first = await start(rig, secrets={"api_key": KEY})
        await ended(rig, first)
    async with daemon(config) as rig:
        second = await start(rig, resumes=first.pod, resume=True)
        pod = second.pod
    async with supervised(config) as rig:
        result = await rig.do("execute", pod, argv=["sh", "-c", "echo $HOME; pwd"])
        assert result["stdout"].split() == [
            str(config.homes / first.pod),
            str(config.workspaces / first.pod),
        ]
        records = Records(config)
        records.load()
        held = records.get(pod)
        assert held is not None
        assert held.agent is not None
        assert (held.agent.name, held.session, held.root) == ("Sample", "s-1", first.pod)


async def test_what_cannot_go_on_says_why_and_harms_nothing(config):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await start(rig, resumes="pod-unknown", resume=True)
        assert refused.value.code == "unknown_pod"
        first = await start(rig)
        with pytest.raises(CommandError) as refused:
            await start(rig, resumes=first.pod, resume=True)
        assert refused.value.code == "workspace_busy"
        await ended(rig, first)
        never = declared(launch={"argv": ["sh"], "resume": ["no-such-program"]})
        with pytest.raises(CommandError) as refused:
            await start(rig, agent=never, resumes=first.pod, resume=True, secrets={"api_key": KEY})
        assert refused.value.code == "agent_missing"
        assert (config.homes / first.pod).is_dir()
        assert (config.workspaces / first.pod).is_dir()
        assert holding(config.home, KEY) == []
        (config.workspaces / first.pod).rmdir()
        with pytest.raises(CommandError) as refused:
            await start(rig, resumes=first.pod, resume=True)
        assert refused.value.code == "workspace_gone"


async def test_links_that_an_agent_planted_lead_nowhere(config, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.json").write_text("theirs")
    (outside / "token").write_text("theirs")
    async with supervised(config) as rig:
        first = await start(rig, secrets={"api_key": KEY})
        home = config.homes / first.pod
        script = f"rm -r $HOME/.agent $HOME/.mesh; ln -s {outside} $HOME/.agent; ln -s {outside} $HOME/.mesh"
        await rig.do("execute", first.pod, argv=["sh", "-c", script])
        await ended(rig, first)
        assert (home / ".agent").is_symlink()
        with pytest.raises(CommandError) as refused:
            await start(rig, resumes=first.pod, resume=True, secrets={"api_key": KEY})
        assert refused.value.code == "not_written"
        assert {path.name: path.read_text() for path in outside.iterdir()} == {
            "config.json": "theirs",
            "token": "theirs",
        }


async def test_a_fork_has_a_copy_of_the_home_and_a_workspace_of_its_own(config):
    (config.home / "key.pem").write_text("PRIVATE")
    async with supervised(config) as rig:
        first = await start(rig)
        script = (
            f"echo said > $HOME/.agent/talk; ln -s {config.home}/key.pem $HOME/.agent/key; mkfifo $HOME/pipe;"
            f"mkdir -p {NAMED_AS_HERE}; echo x > {NAMED_AS_HERE}/talk"
        )
        await rig.do("execute", first.pod, argv=["sh", "-c", script])
        second = await start(rig, resumes=first.pod, fork=True, conversation="c-1", session="s-2")
        shown = await rig.shows(second, "said")
        assert "forked|c-1|s-2|" in shown
        assert f"HOME={config.homes / second.pod}\r\n" in shown
        assert "PRIVATE" not in shown
        assert (config.homes / second.pod / ".agent" / "key").is_symlink()
        result = await rig.do("execute", second.pod, argv=["sh", "-c", f"cat {NAMED_AS_HERE}/talk"])
        assert result["stdout"] == "x\n"
        assert (config.homes / first.pod / ".agent" / "talk").exists()
        tokens = {
            (config.homes / pod / ".mesh" / "token").read_text() for pod in (first.pod, second.pod)
        }
        assert len(tokens) == 2


async def test_a_type_that_cannot_resume_is_refused(config):
    async with supervised(config) as rig:
        first = await start(rig)
        await ended(rig, first)
        with pytest.raises(CommandError) as refused:
            await start(
                rig, agent=declared(launch={"argv": ["sh"]}), resumes=first.pod, resume=True
            )
        assert refused.value.code == "no_resume"
