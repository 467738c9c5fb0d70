"""A prompt waits for its agent: behind a start, across a stop, and no longer than its Pod lives."""

import asyncio

import pytest

from runner_agent.messages import CommandResult
from tests.runner_agent.test_commands import SOON_S, Acts, Daemon, make


@pytest.fixture
def acts():
    return Acts()


@pytest.fixture
def daemon(tmp_path, acts):
    return Daemon(tmp_path / "ledger.sqlite3", acts)


async def test_a_prompt_that_comes_with_the_start_waits_for_it(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("s", "start"))
        await commands.receive(make("p", "prompt", seq=2))
        await acts.until_begun("s")
        assert acts.begun == ["s"]
        acts.gate("s").set()
        await acts.until_begun("p")


async def test_a_prompt_that_waits_does_not_hold_up_a_stop_and_is_begun_again(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("p", "prompt"))
        await acts.until_begun("p")
        async with asyncio.timeout(SOON_S):
            await commands.stop(60)
    async with daemon.running():
        acts.gate("p").set()
        assert await daemon.result("p") == CommandResult("p", "done", {"by": "p"})


async def test_a_terminate_ends_its_waiting(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("p", "prompt"))
        await acts.until_begun("p")
        await commands.receive(make("t", "terminate", seq=2, now=True))
        result = await daemon.result("p")
        assert (result.state, result.error_code) == ("failed", "pod_ended")


async def test_a_prompt_that_comes_twice_is_done_once(daemon, acts):
    async with daemon.running() as commands:
        acts.gate("p").set()
        await commands.receive(make("p", "prompt"))
        await daemon.result("p")
        await commands.receive(make("p", "prompt"))
        await daemon.result("p")
        assert acts.done == ["p"]
