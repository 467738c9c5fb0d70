import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runner_agent.messages import Command, CommandError
from runner_agent.podhost import files
from tests.runner_agent.pods.rig import daemon, new_key, supervised, until

DEAF = ["sh", "-c", "trap '' HUP TERM INT; echo ready; while :; do sleep 0.05; done"]


def processes_of(pod: str) -> list[psutil.Process]:
    mark = f"MESH_POD={pod}".encode()
    found = []
    for process in psutil.process_iter():
        try:
            with Path(f"/proc/{process.pid}/environ").open("rb") as file:
                if mark in file.read().split(b"\0") and process.status() != "zombie":
                    found.append(process)
        except OSError:
            continue
    return found


async def test_an_agent_that_ends_by_itself_is_reported_with_its_code_and_last_screen(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "echo last words; exit 3"])
        report = await until(
            lambda: next((r for r in rig.outbox.reports if r.state == "ended"), None)
        )
        assert report.exit_code == 3
        assert not report.asked
        assert report.end_offset == host.end > 0
        assert "last words" in report.screen["text"]


@pytest.mark.parametrize("isolation", ["auto", "none"])
async def test_a_terminated_pod_leaves_no_process_behind(config, isolation):
    async with supervised(replace(config, isolation=isolation)) as rig:
        everywhere = "setsid sleep 300 & (trap '' HUP TERM; sleep 300) & echo ready; exec sleep 300"
        host = await rig.start(["sh", "-c", everywhere])
        await rig.shows(host, "ready")
        assert processes_of(host.pod)
        await rig.do("terminate", host.pod, grace_s=0.5)
        assert not processes_of(host.pod)
        report = await until(
            lambda: next((r for r in rig.outbox.reports if r.state == "ended"), None)
        )
        assert report.asked


@pytest.mark.parametrize("isolation", ["auto", "none"])
async def test_an_agent_that_is_deaf_to_signals_is_killed_after_the_grace(config, isolation):
    async with supervised(replace(config, isolation=isolation)) as rig:
        host = await rig.start(DEAF)
        await rig.shows(host, "ready")
        result = await rig.do("terminate", host.pod, grace_s=0.2)
        assert result["exit_code"] in (-signal.SIGKILL, 128 + signal.SIGKILL)
        assert not processes_of(host.pod)


async def test_an_agent_in_a_jail_gets_the_hangup_and_may_say_goodbye(config):
    async with supervised(config) as rig:
        polite = "trap 'echo goodbye; exit 7' HUP; echo ready; while :; do sleep 0.05; done"
        host = await rig.start(["bash", "-c", polite])
        await rig.shows(host, "ready")
        assert await rig.do("terminate", host.pod, grace_s=10) == {"exit_code": 7}
        assert b"goodbye" in (await rig.terminals.output(host.pod, 0, 4096))[0]


async def test_terminating_twice_and_terminating_what_is_not_here_do_no_harm(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "echo ready; exec cat"])
        await rig.shows(host, "ready")
        first = await rig.do("terminate", host.pod)
        assert await rig.do("terminate", host.pod) == first
        assert await rig.do("terminate", "pod-nowhere") == {"exit_code": None}


async def test_a_start_that_was_under_way_can_be_terminated_after_it(config):
    async with supervised(config) as rig:
        pod = new_key()
        async with asyncio.TaskGroup() as group:
            setup = {"script": "sleep 1000", "timeout_s": 1000}
            wanted = {"argv": ["cat"], "workspace": {"setup": setup}}
            start = group.create_task(rig.do("start", pod, **wanted))
            await until(lambda: processes_of(pod))
            start.cancel()
        assert await rig.do("terminate", pod) == {"exit_code": None}
        assert not processes_of(pod)


async def test_a_pod_goes_on_while_the_runner_is_away_and_is_found_again(config):
    async with daemon(config) as rig:
        host = await rig.start(["sh", "-c", "read line; echo got $line; exec cat"])
    async with supervised(config) as rig:
        (report,) = rig.supervisor.reports()
        assert (report.pod, report.state) == (host.pod, "running")
        again = rig.hosts.get(host.pod)
        await rig.type(again, "this\r")
        await rig.shows(again, "got this")


async def test_an_end_that_came_while_the_runner_was_away_is_reported_until_confirmed(config):
    async with daemon(config) as rig:
        host = await rig.start(["sh", "-c", "read line; exit 5"])
        await rig.type(host, "\r")
    await until((config.pods / host.pod / "exit.json").exists)
    for _ in range(2):
        async with daemon(config) as rig:
            (report,) = rig.supervisor.reports()
            assert (report.state, report.exit_code) == ("ended", 5)
            await until(lambda: [r for r in rig.outbox.reports if r.screen])
    async with daemon(config) as rig:
        rig.supervisor.forget(host.pod)
        assert not rig.supervisor.reports()
    async with daemon(config) as rig:
        assert not rig.supervisor.reports()
        assert not rig.outbox.reports


async def test_a_pod_whose_host_is_killed_is_lost_and_nothing_of_it_stays(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "echo ready; exec cat"])
        await rig.shows(host, "ready")
        os.kill(files.holder(str(host.directory / "host.lock")), signal.SIGKILL)
        report = await until(
            lambda: next((r for r in rig.outbox.reports if r.state == "lost"), None)
        )
        assert report.reason
        await until(lambda: not processes_of(host.pod))


async def test_evidence_of_a_start_and_of_a_terminate(config):
    async with supervised(config) as rig:
        pod = new_key()
        start = Command("c1", 1, "start", pod, {"argv": ["cat"]})
        end = Command("c2", 2, "terminate", pod, {"grace_s": 0.2})
        assert await rig.supervisor.evidence(start) is None
        result = await rig.supervisor.do(start)
        assert await rig.supervisor.evidence(start) == result
        assert await rig.supervisor.evidence(end) is None
        result = await rig.supervisor.do(end)
        assert await rig.supervisor.evidence(end) == result


async def test_an_end_that_was_confirmed_is_told_again_to_a_server_that_asks_for_its_start(config):
    """An older database was put back: the ledger answers the start, and the server does not know of the end."""
    async with supervised(config) as rig:
        host = await rig.start(["true"])
        start = Command("c1", 1, "start", host.pod, {})
        rig.supervisor.came_again(start)
        await until(lambda: any(r.state == "ended" for r in rig.outbox.reports))
        rig.supervisor.forget(host.pod)
        rig.outbox.reports.clear()
        rig.supervisor.came_again(start)
        assert [(r.pod, r.state) for r in rig.outbox.reports] == [(host.pod, "ended")]


async def test_an_unknown_kind_of_command_is_refused(config):
    async with supervised(config) as rig:
        with pytest.raises(CommandError) as refused:
            await rig.do("dance", "pod-1")
        assert refused.value.code == "unknown_kind"
