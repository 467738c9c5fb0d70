"""An agent is watched, prompted, answered and interrupted by its own signs: hooks, titles and its screen."""

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from sse_starlette.sse import AppStatus

from runner_agent.agents.watch import AgentWatch
from runner_agent.messages import Command, CommandError, ToolAnswer
from runner_agent.pods.pod_tokens import PodTokens
from runner_agent.pods.questions import Questions
from runner_agent.pods.supervisor import Supervisor
from runner_agent.terminals.hosts import PodHosts
from runner_agent.terminals.terminals import Terminals
from runner_agent.tools.tool_door import ToolDoor
from tests.runner_agent.agents import imitation, line_reader
from tests.runner_agent.agents.declared import TYPES
from tests.runner_agent.pods.rig import WITHIN_S, HeardOutbox, Rig, new_key, until


def claude(*words: str, **parts: object) -> dict[str, object]:
    """The declared signs of Claude Code, launched as its imitation."""
    return imitated("claude", imitation, *words) | parts


def aider() -> dict[str, object]:
    return imitated("aider", line_reader)


def imitated(slug: str, program: ModuleType, *words: str) -> dict[str, object]:
    held = tomllib.loads((TYPES / f"{slug}.toml").read_text())
    told = {name: held[name] for name in ("ready", "prompt", "status", "answers", "usage")}
    script = {"path": "{files}/imitation.py", "content": Path(str(program.__file__)).read_text()}
    launch = {"argv": ["python3", "{files}/imitation.py", *words]}
    return {"slug": slug, **told, "launch": launch, "files": [script]}


class Driven(Rig):
    """With the door where hooks arrive."""

    async def agent(self, *words: str, **parts: object):
        return await self.launch(claude(*words, **parts))

    async def launch(self, agent: dict[str, object]):
        pod = new_key()
        start = {"argv": ["true"], "agent": agent, "session": "conversation-1"}
        await self.do("start", pod, **start)
        return self.hosts.get(pod)

    async def prompt(self, host, text, when="idle", id_="p1"):
        payload = {"pod": host.pod, "text": text, "when": when}
        result = await self.supervisor.do(Command(id_, 1, "prompt", host.pod, payload))
        return [step["step"] for step in result["steps"]]

    async def answer(self, host, choice, question=None):
        asked = self.status(host).question
        payload = {"question": question or (asked.id if asked else ""), "choice": choice}
        return await self.supervisor.do(Command("a1", 1, "answer", host.pod, payload))

    async def interrupt(self, host):
        return await self.supervisor.do(Command("i1", 1, "interrupt", host.pod, {}))

    def status(self, host):
        return self.supervisor.watch.get(host.pod).status

    async def is_seen(self, host, state, source=None):
        watched = self.supervisor.watch.get(host.pod)
        async with asyncio.timeout(WITHIN_S):
            while watched.status.state != state or source not in {None, watched.status.source}:
                watched.changed.clear()
                await watched.changed.wait()
        return watched.status


@asynccontextmanager
async def driven(config, *, ends: bool = True) -> AsyncIterator[Driven]:
    async with PodHosts(config) as hosts:
        outbox, terminals, tokens = HeardOutbox(), Terminals(hosts), PodTokens()
        watch = AgentWatch(outbox)
        door = ToolDoor(config, tokens, watch)
        supervisor = Supervisor(config, hosts, outbox, terminals, tokens, watch)

        async def forward(*_: object) -> ToolAnswer:
            return ToolAnswer("")

        with door.opened():
            async with supervisor.running(), asyncio.TaskGroup() as group:
                serving = group.create_task(door.serve(forward))
                questions = Questions(supervisor, terminals)
                try:
                    yield Driven(config, hosts, outbox, terminals, supervisor, questions)
                finally:
                    for host in [host for host in hosts if ends and host.running]:
                        host.terminate(0)
                        await host.ended()
                    serving.cancel()
                    AppStatus.should_exit = True


@pytest.fixture(autouse=True)
def no_exit():
    yield
    AppStatus.should_exit = False


async def test_a_prompt_is_typed_when_ready_and_seen_to_start_a_turn(config):
    async with driven(config) as rig:
        host = await rig.agent()
        text = 'two\nlines, "quotes" and 漢字　👩‍💻'
        assert await rig.prompt(host, text) == ["typed", "submitted", "started"]
        await rig.shows(host, f"read {text!r}")
        status = await rig.is_seen(host, "idle")
        assert (status.source, status.session) == ("hook", "conversation-1")


async def test_nothing_is_typed_before_the_hook_that_says_it_takes_prompts(config):
    """A line of input can be there, and be lost while a conversation is restored."""
    async with driven(config) as rig:
        ready = {"paste": True, "title": "^✳", "hook": "SessionStart"}
        host = await rig.agent("--restores", ready=ready)
        assert await rig.prompt(host, "go on") == ["typed", "submitted", "started"]
        await rig.shows(host, "read 'go on'")


async def test_nothing_is_typed_between_the_hook_that_says_it_waits_and_its_line_of_input(config):
    async with driven(config) as rig:
        host = await rig.launch(aider())
        for number in range(3):
            assert "started" in await rig.prompt(host, f"two\nlines {number}", id_=f"p{number}")
        await rig.shows(host, repr("two\nlines 2"))


async def test_a_hook_that_says_it_waits_types_nothing_into_the_question_that_follows(config):
    async with driven(config) as rig:
        host = await rig.launch(aider())
        await rig.prompt(host, "ask", id_="p1")
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(rig.prompt(host, "two\nlines", id_="p2"))
            await rig.is_seen(host, "waiting")
            assert (await rig.answer(host, "allow"))["is_over"]
        assert "submitted" in waiting.result()
        shown = await rig.shows(host, f"read {'two' + chr(10) + 'lines'!r}")
        assert "then 'y'" in shown


async def test_five_thousand_bytes_and_an_end_of_paste_arrive_as_they_are_seen(config):
    text = "\n".join(f"row {number:03} " + "x" * 36 for number in range(110))
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, f"{text}\x1b[201~\rend")
        await rig.shows(host, repr(f"{text}[201~\nend")[-40:])
        produced, _, _ = await rig.terminals.output(host.pod, 0, 1 << 20)
        assert repr(f"{text}[201~\nend").encode() in produced


async def test_a_permission_is_asked_and_given(config):
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, "ask")
        status = await rig.is_seen(host, "waiting")
        assert "rm -rf build" in status.question.text
        assert {"allow", "deny"} <= set(status.question.choices)
        done = await rig.answer(host, "allow")
        assert done["is_over"]
        await rig.shows(host, "read 'ask'")
        with pytest.raises(CommandError) as refused:
            await rig.answer(host, "allow", question=status.question.id)
        assert refused.value.code == "no_question"


async def test_a_permission_that_is_denied_is_over_without_any_hook(config):
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, "ask")
        await rig.is_seen(host, "waiting")
        assert (await rig.answer(host, "deny"))["is_over"]
        assert (await rig.is_seen(host, "idle")).source == "title"


DIALOG = """
import os, tty
tty.setraw(0)
os.write(1, b"May I? 1. Yes")
for number in ({lost}):
    os.read(0, 99)
os.write(1, b"\\r\\x1b[Kheard " + os.read(0, 99) + b", may I again? 1. Yes")
os.write(1, b"; then " + os.read(0, 99))
"""


def asking(*, lost: str) -> dict[str, object]:
    """A program that asks, twice, and takes keys later than it asks."""
    script = {"path": "{files}/dialog.py", "content": DIALOG.format(lost=lost)}
    return {
        "slug": "asking",
        "launch": {"argv": ["python3", "{files}/dialog.py"]},
        "files": [script],
        "status": [{"source": "screen", "match": "(?P<text>.*)1. Yes$", "state": "waiting"}],
        "answers": {"allow": "1"},
    }


async def test_an_answer_that_was_lost_is_given_again(config, monkeypatch):
    """A dialog is drawn a moment before it reads."""
    monkeypatch.setattr("runner_agent.agents.answering.HEARD_WITHIN_S", 0.5)
    async with driven(config) as rig:
        host = await rig.launch(asking(lost="1,"))
        await rig.is_seen(host, "waiting")
        await rig.answer(host, "allow")
        shown = await rig.shows(host, "heard 1, may I again?")
        assert "then" not in shown


async def test_no_second_answer_is_given_to_what_the_first_one_brought_up(config, monkeypatch):
    monkeypatch.setattr("runner_agent.agents.answering.HEARD_WITHIN_S", 0.5)
    monkeypatch.setattr("runner_agent.agents.answering.GONE_WITHIN_S", 1.0)
    async with driven(config) as rig:
        host = await rig.launch(asking(lost=""))
        await rig.is_seen(host, "waiting")
        await rig.answer(host, "allow")
        shown = await rig.shows(host, "heard 1, may I again?")
        assert "then" not in shown


async def test_an_interrupt_is_noticed(config):
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, "slow")
        await rig.is_seen(host, "working")
        assert await rig.interrupt(host) == {
            "was": "working",
            "state": "idle",
            "evidence": "title ✳ Claude Code",
        }


async def test_without_hooks_its_titles_say_it(config):
    async with driven(config) as rig:
        host = await rig.agent("--no-hooks")
        assert await rig.prompt(host, "slow") == ["typed", "submitted", "started"]
        assert (await rig.is_seen(host, "working")).source == "title"


async def test_a_prompt_for_idle_waits_for_the_turn_and_one_for_now_meets_a_question(config):
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, "ask", id_="p1")
        await rig.is_seen(host, "waiting")
        with pytest.raises(CommandError) as refused:
            await rig.prompt(host, "hurry", when="now", id_="p2")
        assert refused.value.code == "not_ready"
        assert "Do you want to proceed" in refused.value.told["evidence"]
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(rig.prompt(host, "then this", id_="p3"))
            await rig.answer(host, "allow")
        assert waiting.result() == ["typed", "submitted", "started"]
        shown = await rig.shows(host, "read 'then this'")
        assert "hurry" not in shown


async def test_what_is_never_taken_is_a_failure_that_shows_the_screen(config, monkeypatch):
    monkeypatch.setattr("runner_agent.pods.prompting.VERIFY_S", 0.5)
    deaf = {"launch": {"argv": ["sh", "-c", "stty raw -echo; echo ready; exec cat"]}}
    ready = {"ready": {"screen": "ready"}, "status": [], "files": []}
    async with driven(config) as rig:
        host = await rig.agent(**deaf, **ready)
        with pytest.raises(CommandError) as refused:
            await rig.prompt(host, "hello")
        assert refused.value.code == "not_submitted"
        assert "hello" in refused.value.told["evidence"]


TAKES = """
import os, tty
tty.setraw(0)
os.write(1, b"ready> ")
os.write(1, os.read(0, 99))
for number in ({times}):
    os.read(0, 99)
os.write(1, b"\\r\\n{says} ")
if os.read(0, 99):
    os.write(1, b"and more")
"""


def listener(*, times: str, says: str) -> dict[str, object]:
    """A program whose taking of a text is told by a title alone, which it never has."""
    script = {"path": "{files}/listener.py", "content": TAKES.format(times=times, says=says)}
    return {
        "slug": "listener",
        "launch": {"argv": ["python3", "{files}/listener.py"]},
        "files": [script],
        "ready": {"screen": "ready"},
        "prompt": {"verify": ["title"], "resend_ms": 300},
        "status": [],
    }


async def test_an_enter_that_was_lost_is_pressed_again(config, monkeypatch):
    monkeypatch.setattr("runner_agent.pods.prompting.VERIFY_S", 0.5)
    async with driven(config) as rig:
        host = await rig.launch(listener(times="1, 2", says="taken"))
        with pytest.raises(CommandError):
            await rig.prompt(host, "hello")
        assert "taken" in rig.supervisor.watch.get(host.pod).shown()


async def test_no_second_enter_answers_what_the_first_one_brought_up(config, monkeypatch):
    """A dialog that no rule knows, and no sign of the turn: they may come late."""
    monkeypatch.setattr("runner_agent.pods.prompting.VERIFY_S", 0.5)
    async with driven(config) as rig:
        host = await rig.launch(listener(times="1,", says="Delete all? Enter = yes"))
        with pytest.raises(CommandError) as refused:
            await rig.prompt(host, "hello")
        assert refused.value.code == "not_submitted"
        assert refused.value.told["evidence"].endswith("Enter = yes")


async def test_usage_is_read_when_a_turn_has_ended(config):
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, "hello")
        await until(lambda: rig.outbox.usages)
        used = rig.outbox.usages[-1]
        told = {"input": 120, "cached": 20, "output": 7, "model": "fake-model", "context": 127}
        assert (used.pod, used.usage) == (host.pod, told)


async def test_usage_of_a_turn_that_was_not_seen_is_read_at_its_hook(config):
    async with driven(config) as rig:
        host = await rig.agent()
        await rig.prompt(host, "hello")
        await until(lambda: rig.outbox.usages)
        (record,) = (config.homes / host.pod).glob(".claude/projects/*/conversation-1.jsonl")
        line = record.read_text().splitlines()[-1]
        again = json.loads(line)
        again["message"]["id"] = "another"
        record.write_text(f"{line}\n{json.dumps(again)}\n")
        rig.supervisor.watch.hook(host.pod, "Stop", b"", 0)
        await until(lambda: rig.outbox.usages[-1].usage["output"] == 14)


async def test_a_restart_of_the_daemon_forgets_nothing_of_a_question(config):
    async with driven(config, ends=False) as rig:
        host = await rig.agent()
        await rig.prompt(host, "ask")
        before = await rig.is_seen(host, "waiting")
        rig.supervisor.watch.get(host.pod).tell()
    AppStatus.should_exit = False
    async with driven(config) as rig:
        host = rig.hosts.get(host.pod)
        assert rig.status(host).question == before.question
        assert (await rig.answer(host, "allow"))["is_over"]
        await rig.shows(host, "read 'ask'")


async def test_hooks_fired_while_no_daemon_listened_are_heard_by_the_next(config):
    async with driven(config, ends=False) as rig:
        host = await rig.agent()
        await rig.prompt(host, "slow")
        await rig.is_seen(host, "working")
    AppStatus.should_exit = False
    spool = config.homes / host.pod / ".mesh" / "hooks"
    async with PodHosts(config) as hosts:
        await hosts.adopt()
        alone = hosts.get(host.pod)
        for typed in (b"\x1b", b"\x1b[200~again\x1b[201~", b"\r"):
            end = alone.end
            await alone.input(typed)
            await alone.output_after(end)
        await until(lambda: len(list(spool.glob("*.json"))) == 2)
    async with driven(config) as rig:
        assert rig.status(rig.hosts.get(host.pod)).evidence == "hook Stop"
        assert not list(spool.glob("*.json"))
