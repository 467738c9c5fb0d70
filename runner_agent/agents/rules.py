"""An agent type's status rules, ready to be matched: what a hook, a title, a notice or the screen says. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner_agent.agent_messages import OPTION, PERMISSION, AgentState, Option, Source
from runner_agent.agents.spec import AgentSpec, AnswerKeys, StatusRule

JSON_MAX = 8000  # characters of a hook's JSON that are searched
TITLE_MAX = 256
LINES = 60  # of the screen, the last ones with text: a dialog may fill it
SCREEN_MAX = 12_000  # characters of them
TEXT_MAX = 1000
LABEL_MAX = 120
VALUE_MAX = 900  # characters of one value in a template
LATEST = "SessionStart"  # an event that may name another conversation than before

_FRAME = re.compile(r"^[│┃▌ ]+", re.MULTILINE)  # what a program draws beside its text
_FIELD = re.compile(r"\{([A-Za-z0-9_.]{1,80})\}")
_SHELL = (  # semantic prompts: a shell that marks them needs no declaration
    StatusRule(source="osc", match=r"^133;[AB]", state="idle"),
    StatusRule(source="osc", match=r"^133;C", state="working"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule found. `session`: the conversation it is about, if it says so; `has_always`: a dialog offers to allow
    for good."""

    source: Source
    state: AgentState
    evidence: str
    text: str = ""
    session: str = ""
    event: str = ""
    options: tuple[Option, ...] = ()
    has_always: bool = False


@dataclass(frozen=True, slots=True)
class _Compiled:
    state: AgentState
    event: str
    pattern: re.Pattern[str] | None
    text: str
    session: str
    options: re.Pattern[str] | None
    always: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Rules:
    """By source, in the order of the declaration: the first that matches says it."""

    by_source: Mapping[str, tuple[_Compiled, ...]] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    answers: AnswerKeys = field(default_factory=AnswerKeys)

    @classmethod
    def of(cls, spec: AgentSpec | None) -> "Rules":
        declared = spec.status if spec else ()
        if all(rule.source == "screen" for rule in declared):
            declared = (*declared, *_SHELL)
        by_source: dict[str, list[_Compiled]] = {}
        for rule in declared:
            by_source.setdefault(rule.source, []).append(_compiled(rule))
        kept = {source: tuple(rules) for source, rules in by_source.items()}
        answers = spec.answers if spec else AnswerKeys()
        choices = tuple(choice for choice in PERMISSION if getattr(answers, choice))
        return cls(kept, choices, answers)

    def says(self, *sources: str) -> set[AgentState]:
        """The states that rules of these sources can tell."""
        return {rule.state for source in sources for rule in self.by_source.get(source, ())}

    @property
    def sees_always(self) -> bool:
        """Whether a screen tells if a dialog offers to allow for good; else each does."""
        return any(rule.always for rule in self.by_source.get("screen", ()))

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
        shown_as = f"screen “{line[:120]}”"
        return replace(found, evidence=shown_as, text=said[-TEXT_MAX:])

    def _search(self, source: Source, text: str, evidence: str) -> Match | None:
        for rule in self.by_source.get(source, ()):
            found = rule.pattern.search(text) if rule.pattern else None
            if found is None:
                continue
            named = found.groupdict()
            said = _FRAME.sub("", named.get("text") or "").strip() or filled(rule.text, named)
            if source == "screen":
                evidence = f"screen:{_line_of(text, found.start())}"
            below = text[found.start() :]
            return Match(
                source,
                rule.state,
                evidence,
                text=said[:TEXT_MAX],
                options=_options(rule.options, below),
                has_always=bool(rule.always and rule.always.search(below)),
            )
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
    options = re.compile(rule.options, flags) if rule.options else None
    always = re.compile(rule.always, flags) if rule.always else None
    return _Compiled(state, rule.event, pattern, rule.text, rule.session, options, always)


def _options(pattern: re.Pattern[str] | None, text: str) -> tuple[Option, ...]:
    """Each number once: the first that has it."""
    found: dict[str, Option] = {}
    for one in pattern.finditer(text) if pattern else ():
        named = one.groupdict()
        choice, label = str(named.get("choice", "")), str(named.get("label", "")).strip()
        if OPTION.fullmatch(choice) and label:
            found.setdefault(choice, Option(choice, label[:LABEL_MAX]))
    return tuple(found.values())


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
        if isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        elif isinstance(data, Mapping) and name in data:
            data = data[name]
        else:
            return ""
    if data is None:
        return ""
    said = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return said if len(said) <= VALUE_MAX else f"{said[: VALUE_MAX - 1]}…"
