"""What the demo does with others: lead a plan, hand work over, answer when it is called. Nothing thinks in it."""

import re
import sys
import time
from dataclasses import dataclass
from typing import Any

from runner_agent.demo import branches
from runner_agent.demo.branches import Published
from runner_agent.demo.folder import Folder, WorkError
from runner_agent.demo.step import Doing, Step
from runner_agent.demo.tools import call

MOST_PARTS = 4
WORK_WITHIN_S = 300.0
ANSWER_WITHIN_S = 60.0
ONE_WAIT_S = 20  # of one call
SCREEN_LINES = 6

_PLAN = re.compile(r"plan:\s*(?P<parts>[^\n]+)", re.IGNORECASE)
_FOR = re.compile(r"[Tt]ell @([\w.-]*\w)")
_HAND_OVER = re.compile(r"publish it in #([a-z0-9-]+)")
_CALLED = re.compile(r"\[Mesh\] Message (?P<number>\d+) in #(?P<channel>[a-z0-9-]+) from ")


@dataclass(frozen=True, slots=True)
class Worker:
    pod: str
    part: str


class Team:
    """`last_test`: how the last test of this Pod went, for who asks."""

    def __init__(self, folder: Folder, pod: str) -> None:
        self._folder, self._pod = folder, pod
        self.last_test = ""
        self._plans = 0

    # ---- which skill a prompt is for

    @staticmethod
    def parts_of(wish: str) -> list[str]:
        found = _PLAN.match(wish.strip())
        parts = [part.strip(" .") for part in found["parts"].split(";")] if found else []
        return [part for part in parts if part][:MOST_PARTS]

    @staticmethod
    def channel_of(wish: str) -> str:
        found = _HAND_OVER.search(wish)
        return found[1] if found else ""

    @staticmethod
    def is_call(wish: str) -> bool:
        return _CALLED.match(wish) is not None

    # ---- working for another

    def begin(self, channel: str, wish: str) -> Doing[None]:
        yield Step("busy", f"Joining #{channel}")
        yield from call("join_channel", channel=channel)
        part = wish.split("\n", 1)[0]
        yield from call("report_status", status="working", text=part)
        yield from call("publish_to_channel", channel=channel, body=f"I take *{part}*.")
        yield Step("did", f"Joined #{channel} and said what I take")

    def hand_over(self, channel: str, wish: str) -> Doing[None]:
        yield Step("busy", f"Publishing in #{channel}")
        part = wish.split("\n", 1)[0]
        body = f"*{part}* is done. {self.last_test}: passed.\n\n{branches.publish(self._folder)}"
        posted = yield from call("publish_to_channel", channel=channel, body=body)
        yield from call("report_status", status="done", text=f"Published in #{channel}")
        yield Step("did", f"Published my commit as message {posted['number']} in #{channel}")

    def hear(self, wish: str) -> Doing[None]:
        """A call that was typed here. Only a question gets an answer, so that nobody talks in circles."""
        found = _CALLED.match(wish)
        quoted = "\n".join(line[2:] for line in wish.split("\n") if line.startswith("> "))
        if found is None or not quoted.rstrip().endswith("?"):
            yield Step("say", "Heard.")
            return
        yield Step("busy", "Answering")
        said = f"{self.last_test}: passed." if self.last_test else "I have tested nothing yet."
        number = int(found["number"])
        answer = {"channel": found["channel"], "body": said, "reply_to": number}
        yield from call("publish_to_channel", **answer)
        yield Step("did", f"Answered message {number} in #{found['channel']}")

    # ---- leading

    def lead(self, wish: str) -> Doing[None]:
        try:
            yield from self._lead(self.parts_of(wish), _FOR.search(wish))
        except WorkError as error:
            yield Step("bad", f"That did not work: {error}")
            yield from call("report_status", status="waiting", text=f"{error}. What should I do?")

    def _lead(self, parts: list[str], told: "re.Match[str] | None") -> Doing[None]:
        yield Step("busy", "Planning", 0.8)
        yield Step(
            "say", f"I see {len(parts)} parts: one worker for each, then I merge what they bring."
        )
        yield from call("report_status", status="working", text=f"Planning {len(parts)} parts")
        channel = yield from self._open(parts)
        workers = yield from self._hire(channel, parts)
        yield from self._watch(workers[0])
        works = yield from self._collect(channel, workers)
        merges = yield from self._merge(works)
        yield Step("busy", "Running all tests")
        tested = branches.test_all(self._folder, sys.executable)
        yield Step("did", f"{tested}: passed")
        yield from self._ask(channel, workers[0])
        yield from self._report(channel, merges, tested, told[1] if told else "")

    def _open(self, parts: list[str]) -> Doing[str]:
        yield Step("busy", "Opening a Channel")
        self._plans += 1
        number = f"-{self._plans}" if self._plans > 1 else ""
        name = f"plan-{self._pod.removeprefix('pod-')}{number}"
        topic = "; ".join(parts)
        opened = yield from call("create_channel", name=name, topic=topic)
        channel: str = opened["channel"]
        numbered = "\n".join(f"{number}. {part}" for number, part in enumerate(parts, 1))
        body = (
            f"**Plan**\n\n{numbered}\n\nOne worker for each; I merge on `{self._folder.branch()}`."
        )
        yield from call("publish_to_channel", channel=channel, body=body)
        yield Step("did", f"Opened #{channel}")
        return channel

    def _hire(self, channel: str, parts: list[str]) -> Doing[list[Worker]]:
        yield Step("busy", "Starting the workers")
        listed = yield from call("list_repositories")
        origin = self._folder.git("remote", "get-url", "origin")
        slugs = [each["slug"] for each in listed["repositories"] if each["url"] == origin]
        if not slugs:
            raise WorkError(f"{origin} is no repository of Mesh")
        workers = []
        for part in parts:
            prompt = f"{part}\nWhen it is done, publish it in #{channel}."
            given = {"agent_type": "demo", "repository": slugs[0], "name": part, "prompt": prompt}
            made = yield from call("create_pod", **given)
            workers.append(Worker(made["key"], part))
            yield Step("did", f"Started {made['key']} for: {part}")
        said = "\n".join(f"* `{each.pod}`: {each.part}" for each in workers)
        yield from call("publish_to_channel", channel=channel, body=f"My workers:\n\n{said}")
        return workers

    def _watch(self, worker: Worker) -> Doing[None]:
        yield Step("busy", f"Watching {worker.pod}")
        until = time.monotonic() + WORK_WITHIN_S
        seen: dict[str, Any] = {"text": ""}
        while "Committed" not in seen["text"] and time.monotonic() < until:
            look = {"wait_until": "text", "text": "Committed", "timeout_s": ONE_WAIT_S}
            seen = yield from call("read_terminal", pod=worker.pod, **look)
            if seen["state"] not in ("pending", "starting", "running"):
                raise WorkError(f"{worker.pod} is {seen['state']}")
        yield Step("did", f"Saw {worker.pod} commit, in its terminal:")
        lines = [line for line in seen["text"].splitlines() if line.strip()]
        marked = next((n for n, line in enumerate(lines) if "Committed" in line), 0)
        for line in lines[max(0, marked - SCREEN_LINES + 1) : marked + 1]:
            yield Step("quote", line, 0.1)

    def _collect(self, channel: str, workers: list[Worker]) -> Doing[list[Published]]:
        yield Step("busy", f"Waiting for {len(workers)} workers")
        found: dict[str, Published] = {}
        until, after = time.monotonic() + WORK_WITHIN_S, 0
        while len(found) < len(workers):
            if time.monotonic() > until:
                missing = [each.pod for each in workers if each.pod not in found]
                raise WorkError(f"nothing came from {', '.join(missing)}")
            told = yield from call("read_channel", channel=channel, after=after)
            for message in told["messages"]:
                after = message["number"]
                work = branches.published(message["body"])
                author = message["author"]["pod"]  # who said it is the server's word
                if work and author in {each.pod for each in workers}:
                    found[author] = work
                    yield Step("did", f"{author} published {work.commit[:10]}")
            if not told["messages"]:
                yield from call("wait_for_messages", channels=[channel], timeout_s=ONE_WAIT_S)
        return [found[each.pod] for each in workers]

    def _merge(self, works: list[Published]) -> Doing[list[str]]:
        merges = []
        for work in works:
            yield Step("busy", f"Merging {work.branch}", 0.6)
            merge = branches.merge(self._folder, work)
            merges.append(f"`{work.commit[:10]}` of `{work.branch}` as `{merge}`")
            yield Step("did", f"Merged {work.branch} as {merge}")
        return merges

    def _ask(self, channel: str, worker: Worker) -> Doing[None]:
        """By name, so that it is typed into the worker's prompt; waits a while for the answer."""
        yield Step("busy", f"Asking {worker.pod}")
        body = f"@{worker.pod} how did your tests go?"
        asked = yield from call("publish_to_channel", channel=channel, body=body)
        until = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until:
            told = yield from call("read_channel", channel=channel, after=asked["number"])
            for message in told["messages"]:
                if message["reply_to"] == asked["number"]:
                    yield Step("did", f"{worker.pod} answered: {message['body']}")
                    return
            yield from call("wait_for_messages", channels=[channel], timeout_s=ONE_WAIT_S)
        yield Step("did", f"{worker.pod} has not answered yet; going on without")

    def _report(self, channel: str, merges: list[str], tested: str, person: str) -> Doing[None]:
        listed = "\n".join(f"* {merge}" for merge in merges)
        called = f"@{person}: all " if person else "All "
        body = f"{called}merged on `{self._folder.branch()}`. {tested}: passed.\n\n{listed}"
        yield from call("publish_to_channel", channel=channel, body=body)
        result = f"Merged {len(merges)} branches; {tested}: passed"
        yield from call("report_status", status="done", text=result)
        yield Step(
            "say", f"Done: {len(merges)} branches merged, {tested}. It is all in #{channel}."
        )
