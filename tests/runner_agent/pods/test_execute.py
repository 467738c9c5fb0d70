import asyncio
from dataclasses import replace

import pytest

from runner_agent.jail import execute
from runner_agent.messages import CommandError
from tests.runner_agent.pods.rig import supervised, until
from tests.runner_agent.pods.test_ending import processes_of

HERE = {"PATH": "/usr/bin:/bin"}


async def test_what_it_printed_and_how_it_ended(tmp_path):
    script = "echo out; echo err >&2; pwd; exit 3"
    done = await execute.run(["sh", "-c", script], cwd=tmp_path, env=HERE, timeout_s=10)
    assert done.exit_code == 3
    assert done.stdout == f"out\n{tmp_path}\n".encode()
    assert done.stderr == b"err\n"
    assert not done.truncated
    assert not done.timed_out


async def test_output_beyond_the_limit_is_dropped_and_holds_nothing_up(tmp_path):
    done = await execute.run(
        ["sh", "-c", "yes | head -c 3000000; echo e >&2"], cwd=tmp_path, env=HERE, timeout_s=30
    )
    assert done.exit_code == 0
    assert len(done.stdout) == execute.OUTPUT_LIMIT
    assert done.truncated
    assert done.stderr == b"e\n"


async def test_out_of_time_the_whole_group_is_killed_and_its_output_kept(tmp_path):
    script = f"echo before; sh -c 'sleep 300; touch {tmp_path}/late' & sleep 300"
    done = await execute.run(["sh", "-c", script], cwd=tmp_path, env=HERE, timeout_s=0.3)
    assert done.timed_out
    assert done.exit_code == execute.TIMED_OUT
    assert done.stdout == b"before\n"


async def test_a_child_in_the_background_does_not_hold_up_the_answer(tmp_path):
    done = await execute.run(
        ["sh", "-c", "setsid sleep 20 & echo $!"], cwd=tmp_path, env=HERE, timeout_s=15
    )
    assert done.exit_code == 0
    assert done.duration_ms < 10_000


async def test_a_program_runs_in_the_pods_workspace_and_jail_beside_its_agent(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "echo x > here; echo y > /tmp/there; echo k; exec cat"])
        await rig.shows(host, "k\r\n")
        script = "cat here /tmp/there; ls -d $HOME; ls " + str(config.home)
        result = await rig.do("execute", host.pod, argv=["sh", "-c", script], timeout_s=10)
        assert result["stdout"].startswith("x\ny\n" + str(config.homes / host.pod))
        assert "pods" in result["stdout"]
        assert "key.pem" not in result["stdout"]
        assert "repositories" not in result["stdout"]
        assert set(result) == {"exit_code", "stdout", "stderr", "truncated", "duration_ms"}


@pytest.mark.parametrize("isolation", ["auto", "none"])
async def test_a_program_that_does_not_exist(config, isolation):
    async with supervised(replace(config, isolation=isolation)) as rig:
        host = await rig.start(["cat"])
        if isolation == "auto":
            result = await rig.do("execute", host.pod, argv=["no-such"])
            assert result["exit_code"] == 127
            assert "no-such" in result["stderr"]
        else:
            with pytest.raises(CommandError) as refused:
                await rig.do("execute", host.pod, argv=["no-such"])
            assert refused.value.code == "not_started"


async def test_out_of_time_says_so_with_what_was_printed(config):
    async with supervised(config) as rig:
        host = await rig.start(["cat"])
        result = await rig.do(
            "execute", host.pod, argv=["sh", "-c", "echo a; sleep 300"], timeout_s=0.4
        )
        assert result["timed_out"] is True
        assert result["stdout"] == "a\n"


async def test_cancelled_it_leaves_no_process(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "echo ready; exec cat"])
        await rig.shows(host, "ready")
        agents = len(processes_of(host.pod))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(rig.do("execute", host.pod, argv=["sleep", "300"]))
            await until(lambda: len(processes_of(host.pod)) > agents)
            task.cancel()
        await until(lambda: len(processes_of(host.pod)) == agents)


async def test_nothing_runs_in_a_pod_that_has_ended_or_is_not_here(config):
    async with supervised(config) as rig:
        host = await rig.start(["true"])
        await host.ended()
        for pod, code in ((host.pod, "pod_ended"), ("pod-nowhere", "unknown_pod")):
            with pytest.raises(CommandError) as refused:
                await rig.do("execute", pod, argv=["ls"])
            assert refused.value.code == code
