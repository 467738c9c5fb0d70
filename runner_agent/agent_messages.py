"""What is told of the agent in a Pod, in plain types. Pure: no protobuf, no asyncio."""

from dataclasses import dataclass, field
from typing import Any, Literal

AgentState = Literal["working", "waiting", "idle", "unknown"]
Source = Literal["hook", "title", "osc", "screen", ""]
Choice = Literal["allow", "allow_always", "deny", "text"]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """What an agent waits for. `choices` are those that can be typed for a person."""

    id: str
    text: str
    choices: tuple[Choice, ...] = ()

    def told(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text, "choices": list(self.choices)}


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
