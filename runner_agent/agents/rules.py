"""An agent type's status rules, ready to be matched: what a hook, a title, a notice or the screen says. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner_agent.agent_messages import AgentState, Choice, Source
from runner_agent.agents.spec import AgentSpec, AnswerKeys, StatusRule

JSON_MAX = 8000  # characters of a hook's JSON that are searched
TITLE_MAX = 256
LINES = 20  # of the screen, the last ones with text
SCREEN_MAX = 4000  # characters of them
TEXT_MAX = 1000
VALUE_MAX = 500  # characters of one value in a template
LATEST = "SessionStart"  # an event that may name another conversation than before

_FIELD = re.compile(r"\{([A-Za-z0-9_.]{1,80})\}")
_SHELL = (  # semantic prompts: a shell that marks them needs no declaration
    StatusRule(source="osc", match=r"^133;[AB]", state="idle"),
    StatusRule(source="osc", match=r"^133;C", state="working"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule found. `session`: the conversation it is about, if it says so."""

    source: Source
    state: AgentState
    evidence: str
    text: str = ""
    session: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class _Compiled:
    state: AgentState
    event: str
    pattern: re.Pattern[str] | None
    text: str
    session: str


@dataclass(frozen=True, slots=True)
class Rules:
    """By source, in the order of the declaration: the first that matches says it."""

    by_source: Mapping[str, tuple[_Compiled, ...]] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()

    @classmethod
    def of(cls, spec: AgentSpec | None) -> "Rules":
        declared = spec.status if spec else ()
        if all(rule.source == "screen" for rule in declared):
            declared = (*declared, *_SHELL)
        by_source: dict[str, list[_Compiled]] = {}
        for rule in declared:
            by_source.setdefault(rule.source, []).append(_compiled(rule))
        kept = {source: tuple(rules) for source, rules in by_source.items()}
        return cls(kept, _choices(spec.answers) if spec else ())

    def says(self, *sources: str) -> set[AgentState]:
        """The states that rules of these sources can tell."""
        return {rule.state for source in sources for rule in self.by_source.get(source, ())}

    @property
    def wants_bell(self) -> bool:
        return any(r.pattern and r.pattern.search("bell") for r in self.by_source.get("osc", ()))

    def hook(self, event: str, data: Mapping[str, Any]) -> Match | None:
        rules = [rule for rule in self.by_source.get("hook", ()) if rule.event == event]
        if not rules:
            return None
        said = json.dumps(data, separators=(",", ":"), ensure_ascii=False)[:JSON_MAX]
        for rule in rules:
            if rule.pattern is None or rule.pattern.search(said):
                return Match(
                    "hook",
                    rule.state,
                    f"hook {event}",
                    text=filled(rule.text, data),
                    session=filled(rule.session, data),
                    event=event,
                )
        return None

    def title(self, title: str) -> Match | None:
        return self._search("title", title[:TITLE_MAX], f"title {title[:80]}")

    def osc(self, said: str) -> Match | None:
        found = self._search("osc", said[:TITLE_MAX], f"OSC {said[:80]}")
        if found and not found.text and found.state == "waiting":
            notice = said.partition(";")[2].removeprefix("notify;")
            return Match("osc", found.state, found.evidence, text=notice[:TEXT_MAX])
        return found

    def screen(self, text: str) -> Match | None:
        shown = last_lines(text)
        found = self._search("screen", shown, "screen")
        if found is None:
            return None
        line = found.evidence.partition(":")[2].strip()
        said = found.text or (shown if found.state == "waiting" else "")
        return Match("screen", found.state, f"screen “{line[:120]}”", text=said[-TEXT_MAX:])

    def _search(self, source: Source, text: str, evidence: str) -> Match | None:
        for rule in self.by_source.get(source, ()):
            found = rule.pattern.search(text) if rule.pattern else None
            if found is None:
                continue
            named = found.groupdict()
            said = named.get("text") or filled(rule.text, named)
            if source == "screen":
                evidence = f"screen:{_line_of(text, found.start())}"
            return Match(source, rule.state, evidence, text=said[:TEXT_MAX])
        return None


def _compiled(rule: StatusRule) -> _Compiled:
    flags = re.MULTILINE if rule.source == "screen" else 0
    pattern = re.compile(rule.match, flags) if rule.match else None
    state: AgentState
    match rule.state:
        case "working" | "waiting" | "idle" as state:
            pass
        case _:
            state = "unknown"
    return _Compiled(state, rule.event, pattern, rule.text, rule.session)


def _choices(keys: AnswerKeys) -> tuple[Choice, ...]:
    given: Iterable[tuple[Choice, str]] = (
        ("allow", keys.allow),
        ("allow_always", keys.allow_always),
        ("deny", keys.deny),
    )
    return tuple(choice for choice, typed in given if typed)


def _line_of(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].lstrip("\n").partition("\n")[0]
    return line.strip()


def last_lines(text: str, most: int = LINES) -> str:
    """Of a screen: its last lines, from the last one with text upwards."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines[-most:])[-SCREEN_MAX:]


def filled(template: str, data: Mapping[str, Any]) -> str:
    """`{a.b}` stands for what `data` has there; what is not there is left out."""
    if not template:
        return ""
    return _FIELD.sub(lambda found: _value(data, found[1].split(".")), template)[:TEXT_MAX]


def _value(data: Any, path: list[str]) -> str:
    for name in path:
        if not isinstance(data, Mapping) or name not in data:
            return ""
        data = data[name]
    if data is None:
        return ""
    said = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return said[:VALUE_MAX]
