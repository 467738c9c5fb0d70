"""A Runner on a full disk: its ledger has room set aside, its link goes on, and who asks is told why."""

import asyncio
import contextlib
import errno
import os
import subprocess

import pytest

from runner_agent.errors import why_broke
from runner_agent.ledger import Ledger
from runner_agent.link.status import Status
from runner_agent.messages import Command, CommandResult

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")

SIZE = 6 << 20


@pytest.fixture
def disk(tmp_path):
    where = tmp_path / "disk"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", where], check=True)
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def fill(disk):
    """To the last byte."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def make(number):
    return Command(f"c{number}", number, "terminate", f"pod-{number}", {"grace_s": 1})


async def test_the_ledger_takes_and_settles_commands_on_a_full_disk(disk):
    ledger = Ledger(disk / "ledger.sqlite3")
    await ledger.open()
    fill(disk)
    async with asyncio.timeout(20):
        for number in range(300):
            assert await ledger.take([make(number)]) == [True]
            await ledger.settle(CommandResult(f"c{number}", "done", {"exit_code": 0}))
    await ledger.close()


async def test_what_finds_no_room_at_all_waits_for_it(disk):
    ledger = Ledger(disk / "ledger.sqlite3")
    await ledger.open()
    fill(disk)
    large = Command("large", 1, "start", "pod-1", {"prompt": "x" * (3 << 20)})
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(ledger.take([large]))
        done, _ = await asyncio.wait([taking], timeout=1.5)
        assert not done
        (disk / "filler").unlink()
        async with asyncio.timeout(20):
            assert await taking == [True]
    await ledger.close()


def test_the_status_of_the_link_is_not_worth_the_link(disk):
    status = Status(disk / "status.json")
    fill(disk)
    status.note("attached", "x" * 10_000)


def test_a_failure_for_want_of_room_says_so():
    assert why_broke(OSError(errno.ENOSPC, "full"))[0] == "disk_full"
    assert why_broke(ZeroDivisionError())[0] == "internal"
