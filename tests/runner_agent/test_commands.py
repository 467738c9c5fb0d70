"""Commands are done once each, in their order, whatever is repeated, overtaken or cut off by a crash."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner_agent.commands import Commands
from runner_agent.ledger import Ledger
from runner_agent.messages import Command, CommandError, CommandResult
from runner_agent.outbox import Outbox
from runner_agent.results import RESULT_MAX, fit
from runner_agent.session_messages import CommandAck

SOON_S = 5.0


class Acts:
    """A supervisor whose acts wait to be let through; what was done survives the daemon."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.again: list[str] = []
        self.let: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Condition()
        self.proofs: dict[str, dict] = {}

    def gate(self, id_: str) -> asyncio.Event:
        return self.let.setdefault(id_, asyncio.Event())

    async def do(self, command: Command) -> dict:
        async with self.changed:
            self.begun.append(command.id)
            self.changed.notify_all()
        if "error" in command.payload:
            raise CommandError("no", command.payload["error"])
        if "bug" in command.payload:
            raise ZeroDivisionError
        if not command.payload.get("now"):
            await self.gate(command.id).wait()
        self.done.append(command.id)
        return {"by": command.id}

    async def evidence(self, command: Command) -> dict | None:
        return self.proofs.get(command.id)

    def came_again(self, command: Command) -> None:
        self.again.append(command.id)

    async def until_begun(self, id_: str) -> None:
        async with asyncio.timeout(SOON_S), self.changed:
            await self.changed.wait_for(lambda: id_ in self.begun)


class Daemon:
    """Commands over a ledger file; `crash` leaves everything as it is."""

    def __init__(self, path: Path, acts: Acts) -> None:
        self.path, self.acts, self.outbox = path, acts, Outbox()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Commands]:
        self.outbox = Outbox()
        ledger = Ledger(self.path)
        await ledger.open()
        self.ledger = ledger
        self.commands = Commands(ledger, self.acts, self.outbox)
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(self.commands.run())
                try:
                    yield self.commands
                finally:
                    task.cancel()
        finally:
            await ledger.close()

    async def acked(self, id_: str) -> None:
        async with asyncio.timeout(SOON_S):
            while (await self.outbox.next()) != CommandAck(id_):
                pass

    async def result(self, id_: str) -> CommandResult:
        async with asyncio.timeout(SOON_S):
            while True:
                said = await self.outbox.next()
                if isinstance(said, CommandResult) and said.id == id_:
                    return said


@pytest.fixture
def acts() -> Acts:
    return Acts()


@pytest.fixture
def daemon(tmp_path: Path, acts: Acts) -> Daemon:
    return Daemon(tmp_path / "ledger.sqlite3", acts)


def make(id_: str, kind: str = "start", pod: str = "p", seq: int = 1, **payload) -> Command:
    return Command(id_, seq, kind, pod, payload)


async def test_a_command_is_acknowledged_before_it_is_done(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("c1"))
        await daemon.acked("c1")
        acts.gate("c1").set()
        assert await daemon.result("c1") == CommandResult("c1", "done", {"by": "c1"})


async def test_a_command_that_comes_again_is_answered_and_not_done_again(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("c1", now=True))
        first = await daemon.result("c1")
        await commands.receive(make("c1", now=True))
        assert await daemon.result("c1") == first
    async with daemon.running() as commands:
        await commands.receive(make("c1", now=True))
        assert await daemon.result("c1") == first
    assert acts.done == ["c1"]
    assert acts.again[:1] == ["c1"]


async def test_a_command_that_comes_again_while_it_is_done_is_acknowledged_again(daemon, acts):
    async with daemon.running() as commands:
        for _ in range(2):
            await commands.receive(make("c1"))
            await daemon.acked("c1")
        acts.gate("c1").set()
        await daemon.result("c1")
    assert acts.begun == ["c1"]


async def test_pods_run_side_by_side(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("c1", pod="a"))
        await commands.receive(make("c2", pod="b", now=True))
        await daemon.result("c2")
    assert acts.done == ["c2"]


async def test_an_execute_holds_nothing_up(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("e1", "execute"))
        await acts.until_begun("e1")
        await commands.receive(make("c1", "terminate", now=True))
        await daemon.result("c1")


async def test_terminates_of_a_pod_are_done_in_order(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("t1", "terminate"))
        await commands.receive(make("t2", "terminate", now=True))
        await acts.until_begun("t1")
        acts.gate("t1").set()
        await daemon.result("t2")
    assert acts.done == ["t1", "t2"]


@pytest.mark.parametrize("kind", ["start", "execute"])
async def test_a_terminate_overtakes_and_ends_what_is_under_way(daemon, acts, kind):
    async with daemon.running() as commands:
        await commands.receive(make("c1", kind))
        await acts.until_begun("c1")
        await commands.receive(make("t1", "terminate", now=True))
        ended = await daemon.result("c1")
        assert (ended.state, ended.error_code) == ("failed", "terminated")
        assert (await daemon.result("t1")).state == "done"
    assert acts.done == ["t1"]


async def test_a_terminate_of_another_pod_ends_nothing(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("c1", pod="a"))
        await acts.until_begun("c1")
        await commands.receive(make("t1", "terminate", pod="b", now=True))
        await daemon.result("t1")
        acts.gate("c1").set()
        assert (await daemon.result("c1")).state == "done"


async def test_an_expired_command_is_not_done(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(Command("c1", 1, "start", "p", {}, expires_in_s=0.0))
        assert (await daemon.result("c1")).state == "expired"
    assert acts.begun == []


async def test_what_cannot_be_done_says_why(daemon):
    async with daemon.running() as commands:
        await commands.receive(make("c1", error="There is no such branch."))
        result = await daemon.result("c1")
        assert (result.state, result.error) == ("failed", "There is no such branch.")
        await commands.receive(make("c2", "dance"))
        assert (await daemon.result("c2")).error_code == "unknown_kind"


async def test_a_mistake_of_ours_fails_one_command_and_no_other(daemon, caplog):
    async with daemon.running() as commands:
        await commands.receive(make("c1", bug=True))
        assert (await daemon.result("c1")).error_code == "internal"
        await commands.receive(make("c2", now=True))
        assert (await daemon.result("c2")).state == "done"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("kind", ["start", "execute"])
async def test_after_a_crash_in_the_act_it_is_unknown_whether_it_was_done(daemon, acts, kind):
    async with daemon.running() as commands:
        await commands.receive(make("c1", kind))
        await acts.until_begun("c1")
    async with daemon.running():
        assert (await daemon.result("c1")).state == "unknown"
    assert acts.begun == ["c1"]


async def test_after_a_crash_a_start_that_is_proven_is_done(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("c1"))
        await acts.until_begun("c1")
    acts.proofs["c1"] = {"pid": 5}
    async with daemon.running():
        assert await daemon.result("c1") == CommandResult("c1", "done", {"pid": 5})


async def test_after_a_crash_a_terminate_is_done_again(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("t1", "terminate"))
        await acts.until_begun("t1")
    acts.gate("t1").set()
    async with daemon.running():
        assert (await daemon.result("t1")).state == "done"
    assert acts.begun == ["t1", "t1"]


async def test_a_result_is_told_after_a_restart_until_it_is_confirmed(daemon):
    async with daemon.running() as commands:
        await commands.receive(make("c1", now=True))
        await daemon.result("c1")
    async with daemon.running():
        assert (await daemon.result("c1")).state == "done"
        assert await daemon.ledger.unconfirmed_ids() == ["c1"]
        await daemon.ledger.confirm(["c1"])
        assert await daemon.ledger.unconfirmed_ids() == []


async def test_an_orderly_stop_ends_a_start_by_saying_so_and_takes_no_more(daemon, acts):
    async with daemon.running() as commands:
        await commands.receive(make("c1"))
        await acts.until_begun("c1")
        await commands.stop(0.01)
        assert (await daemon.result("c1")).error_code == "runner_stopping"
        await commands.receive(make("c2", now=True))
    assert acts.done == []


async def test_the_ledger_keeps_no_environment(daemon):
    async with daemon.running() as commands:
        await commands.receive(make("c1", env={"KEY": "a-secret"}))
        await daemon.acked("c1")
    held = b"".join(path.read_bytes() for path in daemon.path.parent.iterdir())
    assert b"a-secret" not in held
    assert daemon.path.stat().st_mode & 0o077 == 0


def test_a_result_that_is_too_large_is_cut_and_says_so():
    cut = fit({"stdout": "x" * 300_000, "stderr": "why", "exit_code": 1, "truncated": False})
    assert cut["truncated"] is True
    assert cut["stderr"] == "why"
    assert RESULT_MAX / 4 < len(cut["stdout"]) < RESULT_MAX
