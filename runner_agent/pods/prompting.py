"""Type a prompt as a person would, and see that it was taken: wait for the agent, paste, pause, Enter, verify.

Each prompt has a writer of its own, of whose bytes the Pod host types each once: after a restart of the daemon a text
is typed to its end, not twice. What was begun, and which steps were seen, is noted in `places.typing`.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from runner_agent.agent_messages import PromptStep
from runner_agent.agents.spec import PromptRule
from runner_agent.agents.watched import Watched, now_ms
from runner_agent.messages import CommandError, Prompt
from runner_agent.places import Places
from runner_agent.pods.waiting import ended, until_it_takes, until_ready
from runner_agent.settings import replace_file
from runner_agent.terminals.hosts import HostError, PodHost
from runner_agent.terminals.terminals import Terminals, UnknownPodError
from runner_agent.together import until

ECHO_WITHIN_S = 2.0  # a paste is shown by then; one that is not read yet must not meet its Enter
ECHO_QUIET_S = 0.12  # then it is drawn
VERIFY_S = 10.0  # after the first look
BEGINS_WITHIN_S = 3.0  # after a sign on the screen alone
LOOK_S = 0.25  # between two looks at the screen, where that is what verifies
_WRITER = "prompt"
Shown = Mapping[str, Any]  # a screen, as `Terminals.screen` gives it
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")  # tabs are text


@dataclass(slots=True)
class _Note:
    """What is kept of a prompt under way. `entered_ms`: Enter was about to be pressed then."""

    id: str
    bracketed: bool
    was_working: bool = False
    entered_ms: int = 0
    steps: list[PromptStep] = field(default_factory=list)

    @classmethod
    def read(cls, places: Places, prompt: Prompt) -> "_Note | None":
        """None: its typing was not begun."""
        if not places.typing.exists():
            return None
        held = json.loads(places.typing.read_text())
        if held["id"] != prompt.id:
            return None
        steps = [PromptStep(prompt.id, **step) for step in held.get("steps", ())]
        working, entered = bool(held.get("was_working")), int(held.get("entered_ms", 0))
        return cls(prompt.id, bool(held["bracketed"]), working, entered, steps)

    def write(self, places: Places) -> None:
        held: dict[str, Any] = {
            "id": self.id,
            "bracketed": self.bracketed,
            "was_working": self.was_working,
            "entered_ms": self.entered_ms,
            "steps": [step.told() for step in self.steps],
        }
        replace_file(places.typing, json.dumps(held).encode())


@dataclass(slots=True)
class Delivery:
    """One prompt on its way into one agent."""

    host: PodHost
    terminals: Terminals
    watched: Watched
    places: Places
    prompt: Prompt
    tell: Callable[[PromptStep], None]

    async def deliver(self) -> list[PromptStep]:
        """The steps seen. CommandError not_ready, one_line, not_submitted, pod_ended; all but the last with what the
        screen shows. Cancelled or cut by a crash, it can be called again with the same prompt."""
        try:
            note = _Note.read(self.places, self.prompt) or await self._begin()
            await self._type(note)
            await self._verify(note)
        except (HostError, UnknownPodError) as error:
            raise ended(self.host.pod) from error
        return note.steps

    # ---- typing

    async def _begin(self) -> _Note:
        await until_ready(self.host, self.watched)
        await until_it_takes(self.host, self.watched, now=self.prompt.when == "now")
        screen = await self.terminals.screen(self.host.pod)
        bracketed = bool(screen.get("bracketed_paste"))
        if not (bracketed or self.prompt.may_join) and "\n" in plain(self.prompt.text):
            raise self._one_line()
        is_working = self.watched.status.state == "working"
        note = _Note(self.prompt.id, bracketed, is_working)
        note.write(self.places)
        return note

    async def _type(self, note: _Note) -> None:
        if note.entered_ms:
            return
        end = self.host.end
        typed = as_typed(self.prompt.text, bracketed=note.bracketed)
        await self.host.input(typed, self._writer, 0)
        self._step(note, "typed", "its terminal took the text")
        await asyncio.sleep(self._rule.pause_ms / 1000)
        await self._until_shown(end)
        note.entered_ms = now_ms()
        note.write(self.places)

    async def _until_shown(self, end: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(ECHO_WITHIN_S):
                end = await self.host.output_after(end)
                while self.host.running:
                    try:
                        async with asyncio.timeout(ECHO_QUIET_S):
                            end = await self.host.output_after(end)
                    except TimeoutError:
                        break

    async def _enter(self, note: _Note, time: int) -> None:
        typed = as_typed(self.prompt.text, bracketed=note.bracketed)
        enter = self._rule.submit.encode()
        await self.host.input(enter, self._writer, len(typed) + time * len(enter))

    # ---- seeing that it was taken

    async def _verify(self, note: _Note) -> None:
        pressed_before = any(step.step == "submitted" for step in note.steps)
        before = await self.terminals.screen(self.host.pod)
        await self._enter(note, 0)
        if not self._rule.verify or pressed_before:
            self._step(note, "submitted", "Enter was pressed; nothing more can be seen of it")
            return
        seen = await self._seen(note, before, self._rule.resend_ms / 1000)
        if not seen and note.was_working:
            self._step(note, "submitted", "typed while it works: it is read when its turn ends")
            return
        if not seen:
            if await self._stands_as(before):
                await self._enter(note, 1)
            seen = await self._seen(note, before, VERIFY_S)
        if not seen:
            raise self._not_submitted()
        self._step(note, "submitted", seen)
        if await self._begins(note):
            self._step(note, "started", self.watched.status.evidence)
        self.watched.tell()

    async def _begins(self, note: _Note) -> bool:
        """What only the screen tells is told a little later."""
        if "working" in self.watched.rules.says("hook", "title", "osc", "screen"):
            with suppress(TimeoutError):
                async with asyncio.timeout(BEGINS_WITHIN_S):
                    await until(self.watched.changed, lambda: self._has_news(note))
        return self.watched.began_after(note.entered_ms)

    async def _seen(self, note: _Note, before: Shown, seconds: float) -> str:
        """What showed that it was taken; "" if nothing did."""
        by_screen = set(self._rule.verify) == {"screen"}
        deadline = asyncio.get_running_loop().time() + seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            if not self.host.running:
                raise ended(self.host.pod)
            if self.watched.began_after(note.entered_ms):
                return self.watched.status.evidence
            if by_screen:
                after = _input_line(await self.terminals.screen(self.host.pod))
                if after != _input_line(before):
                    return f"screen: the line of input became “{after[:80]}”"
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_S) if by_screen else left):
                    await until(self.watched.changed, lambda: self._has_news(note))
        return ""

    def _has_news(self, note: _Note) -> bool:
        return self.watched.began_after(note.entered_ms) or not self.host.running

    async def _stands_as(self, before: Shown) -> bool:
        """Whether the text still waits for Enter: nothing was drawn since, so none of its dialogs, whose default it
        would take, is open."""
        screen = await self.host.live.at_end()
        self.watched.look(screen, is_quiet=True)
        is_asking = self.watched.status.state == "waiting" or self.watched.sees_dialog()
        return not is_asking and screen.show()["text"] == before["text"]

    def _one_line(self) -> CommandError:
        return CommandError(
            "one_line",
            "This program takes no paste of several lines: each would be sent by itself. Write it in one line.",
            {"evidence": self.watched.shown()},
        )

    def _not_submitted(self) -> CommandError:
        return CommandError(
            "not_submitted",
            "The text was typed and Enter pressed, and the agent gave no sign of having taken it.",
            {"evidence": self.watched.shown()},
        )

    # ---- inside

    @property
    def _rule(self) -> PromptRule:
        return self.watched.spec.prompt if self.watched.spec else PromptRule()

    @property
    def _writer(self) -> str:
        return f"{_WRITER}:{self.prompt.id}"

    def _step(self, note: _Note, name: str, evidence: str) -> None:
        if any(step.step == name for step in note.steps):
            return
        step = PromptStep(self.prompt.id, name, now_ms(), evidence)
        note.steps.append(step)
        note.write(self.places)
        self.tell(step)


def _input_line(shown: Shown) -> str:
    lines, row = str(shown["text"]).split("\n"), shown["cursor"][1]
    return lines[row].rstrip() if row < len(lines) else ""


def plain(prompt: str) -> str:
    """The text, without the control characters by which it could end its own paste or press keys."""
    lines = prompt.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    return "\n".join(_CONTROL.sub("", line) for line in lines)


def as_typed(prompt: str, *, bracketed: bool) -> bytes:
    """Where there is no paste, each line would be sent by itself: they become one."""
    text = plain(prompt).encode(errors="replace")
    return b"\x1b[200~" + text + b"\x1b[201~" if bracketed else text.replace(b"\n", b" ")
