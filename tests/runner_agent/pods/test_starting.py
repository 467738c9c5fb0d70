import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from runner_agent.messages import CommandError
from tests.runner_agent.pods.rig import Rig, daemon, git, new_key, supervised, until


def leftovers(rig: Rig) -> list[str]:
    homes = (rig.config.pods, rig.config.workspaces, rig.config.trash)
    return [str(path) for home in homes if home.exists() for path in home.iterdir()]


async def test_a_pod_without_a_repository_starts_in_an_empty_directory(config):
    async with supervised(config) as rig:
        pod = new_key()
        result = await rig.do("start", pod, argv=["sh", "-c", "pwd; ls -A; echo over; exec cat"])
        shown = await rig.shows(rig.hosts.get(pod), "over")
        path = result["workspace"]["path"]
        assert result["isolation"] == "jail"
        assert result["pid"] == rig.hosts.get(pod).pid
        assert shown.split() == [path, "over"]
        steps = [progress.step for progress in rig.outbox.progresses]
        assert steps == ["workspace", "agent", "ready"]
        assert [report.state for report in rig.outbox.reports] == ["running"]


async def test_a_start_given_twice_is_done_once(config):
    async with supervised(config) as rig:
        pod = new_key()
        first = await rig.do("start", pod, argv=["cat"])
        assert await rig.do("start", pod, argv=["cat"]) == first


async def test_nothing_of_the_runners_environment_reaches_a_pod(config, monkeypatch):
    async with supervised(config) as rig:
        monkeypatch.setenv("A_SECRET", "s3cret")
        host = await rig.start(["sh", "-c", "env; echo over"], env={"MINE": "1", "HOME": "/evil"})
        shown = await rig.shows(host, "over")
        names = {line.partition("=")[0] for line in shown.splitlines() if "=" in line}
        assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {
            *("PATH", "LANG", "TERM", "COLORTERM", "USER", "SHELL", "HOME", "TMPDIR"),
            *("MESH_MCP_URL", "MESH_POD", "MESH_RUNNER", "MESH_TOKEN_FILE", "MINE"),
        }
        assert "s3cret" not in shown
        assert f"HOME={rig.config.homes / host.pod}" in shown
        assert f"PATH={rig.config.bin}:" in shown


@pytest.mark.parametrize("env", [{"LD_PRELOAD": "/x.so"}, {"A=B": "1"}, {"": "1"}, {"A": "\0"}])
async def test_an_environment_that_could_reach_out_of_the_jail_is_refused(config, env):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await rig.do("start", new_key(), argv=["cat"], env=env)
        assert refused.value.code == "bad_env"
        assert not leftovers(rig)


async def test_an_agent_that_is_not_installed_is_named_and_leaves_nothing(config):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await rig.do("start", new_key(), argv=["no-such-agent"])
        assert refused.value.code == "agent_missing"
        assert "no-such-agent" in refused.value.message
        assert not leftovers(rig)


async def test_a_missing_bash_is_replaced_by_sh(config, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "env", "bwrap"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    async with supervised(replace(config, path=str(tools))) as rig:
        host = await rig.start(["bash", "-l"])
        await rig.type(host, "echo $0.\r")
        await rig.shows(host, "sh.")


@pytest.mark.parametrize(
    "payload", [{}, {"argv": []}, {"argv": "ls"}, {"argv": ["a\0b"]}, {"argv": ["cat"], "env": 1}]
)
async def test_a_payload_that_cannot_be_understood_is_refused(config, payload):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await rig.do("start", new_key(), **payload)
        assert refused.value.code == "bad_payload"
        assert not leftovers(rig)


@pytest.mark.parametrize("pod", ["../x", "", "A", "a/b", "x" * 60, "-a", "a\n"])
async def test_a_key_that_could_be_a_path_is_refused(config, pod):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await rig.do("start", pod, argv=["cat"])
        assert refused.value.code == "bad_pod"


async def test_a_pod_gets_its_repository_on_a_branch_of_its_own(config, repository):
    async with supervised(config) as rig:
        pod = new_key()
        workspace = {"id": 1, "repository_url": str(repository), "base": "dev", "branch": ""}
        argv = [
            "sh",
            "-c",
            "git status -sb; ls; git commit -q --allow-empty -m mine; git --no-pager log -1 --format=by-%an",
        ]
        result = await rig.do("start", pod, argv=[*argv], workspace=workspace)
        shown = await rig.shows(rig.hosts.get(pod), f"by-{pod}")
        made = result["workspace"]
        assert made["branch"] == f"mesh/{pod}"
        assert made["base"] == "dev"
        assert made["base_commit"] == git(repository, "rev-parse", "dev")
        assert "a.txt" in shown
        assert "b.txt" not in shown


async def test_an_unknown_base_names_what_exists_and_leaves_nothing(config, repository):
    async with supervised(config) as rig:
        workspace = {"id": 1, "repository_url": str(repository), "base": "mian"}
        with pytest.raises(CommandError) as refused:
            await rig.do("start", new_key(), argv=["cat"], workspace=workspace)
        assert refused.value.code == "bad_branch"
        assert "Did you mean 'main'?" in refused.value.message
        assert "dev" in refused.value.message
        assert not leftovers(rig)


async def test_a_start_that_is_cancelled_while_it_clones_leaves_nothing(config, tmp_path):
    async with supervised(config) as rig:
        fifo = tmp_path / "repositories" / "slow"
        fifo.mkdir(parents=True)
        git(fifo, "init", "-q", "--bare")
        stall(fifo)
        workspace = {"id": 1, "repository_url": str(fifo)}
        pod = new_key()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(rig.do("start", pod, argv=["cat"], workspace=workspace))
            await until(lambda: list(rig.config.repositories.glob(".slow.git.*")))
            task.cancel()
        assert task.cancelled()
        assert not leftovers(rig)
        assert not list(rig.config.repositories.glob("**/*slow*"))
        assert rig.hosts.get(pod) is None
        assert not rig.hosts.starting


def stall(repository: Path) -> None:
    """Make git wait for ever when it reads this repository."""
    os.mkfifo(repository / "packed-refs")


async def test_a_start_that_is_cancelled_while_it_spawns_leaves_no_process(config):
    async with supervised(config) as rig:
        pod = new_key()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(rig.do("start", pod, argv=["cat"]))
            await rig.outbox.says("agent")
            task.cancel()
        assert task.cancelled()
        assert not leftovers(rig)
        assert rig.hosts.get(pod) is None


async def test_a_runner_that_must_jail_refuses_where_it_cannot(config, tmp_path):
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "bwrap"
    broken.write_text("#!/bin/sh\necho no user namespaces here >&2\nexit 1\n")
    broken.chmod(0o755)
    strict = replace(config, isolation="jail", path=f"{broken.parent}:{config.path}")
    async with supervised(strict) as rig:
        assert rig.supervisor.isolation == "none"
        with pytest.raises(CommandError) as refused:
            await rig.do("start", new_key(), argv=["cat"])
    assert refused.value.code == "no_isolation"
    assert "no user namespaces here" in refused.value.message


async def test_without_a_jail_where_there_may_be_none_a_pod_starts_all_the_same(config):
    async with supervised(replace(config, isolation="none")) as rig:
        result = await rig.do("start", pod := new_key(), argv=["sh", "-c", "pwd; exec cat"])
        assert result["isolation"] == "none"
        await rig.shows(rig.hosts.get(pod), result["workspace"]["path"])


async def test_the_demo_is_found_on_every_pods_path(config):
    async with supervised(config) as rig:
        host = await rig.start(["mesh-demo", "--speed", "0"], cols=60)
        await rig.shows(host, "Mesh demo")
        await rig.type(host, "/exit\r")
        assert await host.ended() == 0


async def test_after_a_restart_a_start_given_again_is_answered_with_its_result(config):
    pod = new_key()
    async with daemon(config) as rig:
        first = await rig.do("start", pod, argv=["cat"])
    async with supervised(config) as rig:
        assert await rig.do("start", pod, argv=["cat"]) == first
