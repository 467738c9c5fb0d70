"""What is told of the agent in a Pod, in plain types. Pure: no protobuf, no asyncio."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

AgentState = Literal["working", "waiting", "idle", "unknown"]
Source = Literal["hook", "title", "osc", "screen", ""]
PERMISSION = ("allow", "allow_always", "deny")
NEXT, WORDS = "next", "text"
OPTION = re.compile(r"[1-9]")
"""Choices that answer a question: a word for a permission, words of one's own, the number of an option, or to go on
from options that are ticked."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers that an agent offers by number."""

    choice: str
    label: str


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """What an agent waits for. `choices` are those that can be typed for a person, `options` what numbers stand for."""

    id: str
    text: str
    choices: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    def told(self) -> dict[str, Any]:
        options = [{"choice": each.choice, "label": each.label} for each in self.options]
        choices = list(self.choices)
        return {"id": self.id, "text": self.text, "choices": choices, "options": options}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        options = tuple(Option(**each) for each in told.get("options", ()))
        return cls(told["id"], told["text"], tuple(told["choices"]), options)


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """`evidence` is what was seen, such as "hook Stop"; `session` the agent's own name for its conversation."""

    pod: str
    state: AgentState = "unknown"
    source: Source = ""
    text: str = ""
    evidence: str = ""
    since_ms: int = 0
    question: AskedQuestion | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
class AgentUsage:
    """Totals of the agent's own records: `input output cached model`, perhaps `cost_usd` and `context`."""

    pod: str
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptStep:
    """`step` is "typed", "submitted" or "started"."""

    command_id: str
    step: str
    at_ms: int
    evidence: str = ""

    def told(self) -> dict[str, Any]:
        return {"step": self.step, "at_ms": self.at_ms, "evidence": self.evidence}
