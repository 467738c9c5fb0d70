"""What a Runner says of the agents in its Pods: from protobuf, judged."""

import math
from collections.abc import Callable
from typing import Any

from pods import messages
from pods.gateway.cleaning import (
    INT_MAX,
    MalformedError,
    clean,
    command_id,
    is_number,
    json_object,
    paragraphs,
    pod_key,
)
from proto.mesh.v1 import runner_pb2 as pb

JSON_MAX = 16 * 1024  # bytes of a question, or of totals
TEXT_MAX = 2000  # characters
CHOICES = ("allow", "allow_always", "next", "deny", "text")
NUMBERS = tuple("123456789")  # of options
LABEL_MAX = 120
COUNTS = ("input", "output", "cached", "context")
SOURCES = {"hook", "title", "osc", "screen"}


def of_agent(kind: str, event: pb.FromRunner) -> messages.AboutAgent:
    """Raises MalformedError."""
    return _READERS[kind](event)


def _status(event: pb.FromRunner) -> messages.AgentStatus:
    said = event.agent_status
    match said.state:
        case "working" | "waiting" | "idle" | "unknown" as state:
            pass
        case other:
            raise MalformedError(f"an agent's state {other[:20]!r}")
    return messages.AgentStatus(
        pod=pod_key(said.pod),
        state=state,
        source=said.source if said.source in SOURCES else "",
        text=paragraphs(said.text, TEXT_MAX),
        evidence=clean(said.evidence, 500),
        since_ms=min(max(said.since_ms, 0), INT_MAX),
        question=_question(said.question_json) if state == "waiting" else None,
        session=clean(said.session, 200),
    )


def _question(raw: bytes) -> dict[str, Any] | None:
    if not raw:
        return None
    found = json_object(raw, JSON_MAX)
    choices, options = found.get("choices"), _options(found.get("options"))
    known = (*(each["choice"] for each in options), *CHOICES)
    return {
        "id": clean(str(found.get("id", "")), 64),
        "text": paragraphs(str(found.get("text", "")), TEXT_MAX),
        "choices": [c for c in known if isinstance(choices, list) and c in choices],
        "options": options,
    }


def _options(held: Any) -> list[dict[str, str]]:
    """What the numbers stand for; each once."""
    found: dict[str, str] = {}
    for each in held if isinstance(held, list) else ():
        if isinstance(each, dict) and each.get("choice") in NUMBERS:
            found.setdefault(each["choice"], clean(str(each.get("label", "")), LABEL_MAX))
    return [{"choice": choice, "label": label} for choice, label in found.items() if label]


def _usage(event: pb.FromRunner) -> messages.AgentUsage:
    said = event.agent_usage
    found = json_object(said.usage_json, JSON_MAX)
    usage: dict[str, Any] = {
        name: found[name] for name in COUNTS if is_number(found.get(name), INT_MAX)
    }
    cost = found.get("cost_usd")
    if isinstance(cost, int | float) and not isinstance(cost, bool) and math.isfinite(cost):
        usage["cost_usd"] = max(0.0, float(cost))
    if isinstance(found.get("model"), str):
        usage["model"] = clean(found["model"], 100)
    return messages.AgentUsage(pod_key(said.pod), usage)


def _step(event: pb.FromRunner) -> messages.PromptStep:
    said = event.prompt_step
    match said.step:
        case "typed" | "submitted" | "started" as step:
            at_ms = min(max(said.at_ms, 0), INT_MAX)
            return messages.PromptStep(
                command_id(said.command_id), step, clean(said.evidence, 500), at_ms
            )
        case other:
            raise MalformedError(f"a prompt's step {other[:20]!r}")


_READERS: dict[str, Callable[[pb.FromRunner], messages.AboutAgent]] = {
    "agent_status": _status,
    "agent_usage": _usage,
    "prompt_step": _step,
}
