"""What the fake model says: rules over the last text of a person, each with the steps of one turn.

    {"rules": [{"match": "regex", "steps": [STEP, ...]}], "default": STEP, "key": "the only API key that is taken"}

    STEP   {"text": "...", "tool": "create_pod", "args": {...}, "tools": [{"tool": ..., "args": ...}],
            "shell": "a command", "thinking": "...", "delay": s, "chunk": characters, "chunk_delay": s, "repeat": n,
            "error": 529, "times": n, "retry_after": s, "usage": {"in": n, "out": n}}

Nothing is remembered between requests: the step of a rule is the number of tool results since the last text of a person,
so an agent's side requests and retries cannot shift the script. A rule with `"offered": "regex"` is only for requests
that offer such a tool: agents ask for titles without any. A tool is named by the end of its name: `create_pod`
finds `mcp__mesh__create_pod`. `shell` becomes a call of whatever this agent's shell tool is. A step whose tool is not
offered says so. `{{result}}` in a text is the last tool's result. An error with `times` passes after so many.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.fake_models.asked import Asked

CHUNK = 40  # characters of one streamed piece
# What runs a shell command, per agent, and how it takes one.
SHELLS = {
    "Bash": lambda line: {"command": line, "description": "Run it"},  # Claude Code
    "exec_command": lambda line: {"cmd": line},  # Codex
    "shell_command": lambda line: {"command": line},  # Codex, older models
    "run_shell_command": lambda line: {"command": line, "description": "Run it"},  # Gemini CLI
    "bash": lambda line: {"command": line, "description": "Run it"},  # OpenCode
}


@dataclass(frozen=True)
class Call:
    """Of a tool by its full name; `namespace` only where the protocol groups tools."""

    name: str
    arguments: dict[str, Any]
    namespace: str | None = None
    id: str = field(default_factory=lambda: uuid4().hex[:20])


@dataclass(frozen=True)
class Reply:
    text: str = ""
    calls: tuple[Call, ...] = ()
    thinking: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    delay_s: float = 0
    chunk: int = CHUNK
    chunk_delay_s: float = 0
    error: int = 0
    retry_after_s: float | None = None

    def pieces(self, text: str) -> Iterator[str]:
        """As they are streamed; the server pauses between them."""
        for start in range(0, len(text), self.chunk):
            yield text[start : start + self.chunk]


@dataclass(frozen=True)
class _Rule:
    match: re.Pattern[str]
    offered: re.Pattern[str] | None
    steps: list[dict[str, Any]]

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> "_Rule":
        offered = re.compile(held["offered"]) if held.get("offered") else None
        return cls(re.compile(held["match"], re.S), offered, list(held["steps"]))

    def is_for(self, asked: Asked) -> bool:
        offers = self.offered is None or any(map(self.offered.search, asked.tools))
        return offers and bool(self.match.search(asked.last))


class Scenario:
    def __init__(self, held: Mapping[str, Any] | None = None) -> None:
        held = held or {}
        self.key = str(held.get("key") or "")
        self._default = dict(held.get("default") or {"text": "OK from the fake model."})
        self._rules = [_Rule.read(rule) for rule in held.get("rules", ())]
        self._failed: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    @classmethod
    def from_file(cls, path: Path) -> "Scenario":
        return cls(json.loads(path.read_text()))

    def reply(self, asked: Asked) -> Reply:
        for rule in self._rules:
            if rule.is_for(asked):
                at = min(asked.rounds, len(rule.steps) - 1)
                return self._as_reply(self._past_errors(rule.match.pattern, at, rule.steps), asked)
        return self._as_reply(self._default, asked)

    def _past_errors(self, rule: str, at: int, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """An error that has been given often enough makes room for the step after it."""
        step = steps[at]
        if "error" not in step or "times" not in step:
            return step
        with self._lock:
            self._failed[rule, at] += 1
            past = self._failed[rule, at] > step["times"]
        return steps[at + 1] if past else step

    def _as_reply(self, step: dict[str, Any], asked: Asked) -> Reply:
        calls: list[Call] = []
        for wanted in _wanted(step):
            call = _shell(wanted["shell"], asked) if "shell" in wanted else _call(wanted, asked)
            if call is None:
                name = wanted.get("tool", "a shell")
                return self._sized(
                    Reply(f"[{name} is not among the {len(asked.tools)} tools]"), {}, asked
                )
            calls.append(call)
        text = str(step.get("text") or "").replace("{{result}}", asked.result)
        reply = Reply(
            text=text * int(step.get("repeat", 1)),
            calls=tuple(calls),
            thinking=str(step.get("thinking") or ""),
            delay_s=float(step.get("delay", 0)),
            chunk=int(step.get("chunk", CHUNK)),
            chunk_delay_s=float(step.get("chunk_delay", 0)),
            error=int(step.get("error", 0)),
            retry_after_s=step.get("retry_after"),
        )
        return self._sized(reply, step.get("usage") or {}, asked)

    @staticmethod
    def _sized(reply: Reply, usage: Mapping[str, int], asked: Asked) -> Reply:
        said = len(reply.text) // 4 + 20 * len(reply.calls)
        return replace(
            reply,
            tokens_in=usage.get("in", max(1, asked.size // 4)),
            tokens_out=usage.get("out", max(1, said)),
        )


def _wanted(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "shell" in step:
        return [{"shell": step["shell"]}]
    if "tool" in step:
        return [{"tool": step["tool"], "args": step.get("args", {})}]
    return list(step.get("tools", ()))


def _call(wanted: Mapping[str, Any], asked: Asked) -> Call | None:
    name = wanted["tool"]
    full = name if name in asked.tools else next((t for t in asked.tools if t.endswith(name)), None)
    if full is None:
        return None
    return Call(full, dict(wanted.get("args", {})), asked.tools[full])


def _shell(line: str, asked: Asked) -> Call | None:
    name = next((name for name in SHELLS if name in asked.tools), None)
    return Call(name, SHELLS[name](line), asked.tools[name]) if name else None
