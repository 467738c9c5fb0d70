"""What the sources said of an agent, and what it comes to: a status, a question. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from runner_agent.agent_messages import NEXT, WORDS, AgentState, AskedQuestion, Option, Source
from runner_agent.agents.rules import Match, Rules

BOXES = ("[ ]", "[x]", "[✓]", "[✔]")  # of options of which several may be chosen
SAME_QUESTION_MS = 3000  # two sources that tell of one question do so within this


@dataclass(frozen=True, slots=True)
class Reading:
    """A source's last word. `begun_ms`: it says this since; `at_ms`: it said so last."""

    source: Source
    state: AgentState
    evidence: str
    begun_ms: int
    at_ms: int
    text: str = ""
    event: str = ""
    options: tuple[Option, ...] = ()
    has_always: bool = False

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**{**kept, "options": tuple(Option(**each) for each in kept["options"])})


@dataclass(frozen=True, slots=True)
class Status:
    """All that is known now. `since_ms`: of the state."""

    state: AgentState = "unknown"
    source: Source = ""
    text: str = ""
    evidence: str = ""
    since_ms: int = 0
    question: AskedQuestion | None = None
    session: str = ""


def asked(best: Reading, screen: Reading | None, before: Status, rules: Rules) -> AskedQuestion:
    """The question of an agent that waits. Answers by number are those on its screen, and their question is the one
    that stands above them."""
    shown = screen if screen and screen.state == "waiting" else None
    text = best.text or (shown.text if shown else "")
    if shown is None or not shown.options:
        return AskedQuestion(_number(best, before), text, _permissions(shown, rules))
    known = before.question
    if shown.text.split() != text.split():  # else the screen only broke its lines
        text = shown.text or text
    is_same = known and (not known.options or (known.text, known.options) == (text, shown.options))
    number = known.id if known and is_same else _base36(shown.begun_ms)
    return AskedQuestion(number, text, _choices(shown.options, rules), shown.options)


def _permissions(shown: Reading | None, rules: Rules) -> tuple[str, ...]:
    """To allow for good only where that is seen: its key may mean something else in another dialog."""
    if not rules.sees_always or (shown and shown.has_always):
        return rules.choices
    return tuple(choice for choice in rules.choices if choice != "allow_always")


def _choices(options: tuple[Option, ...], rules: Rules) -> tuple[str, ...]:
    has_boxes = all(each.label.startswith(BOXES) for each in options)
    others = {
        NEXT: has_boxes and rules.answers.next,
        WORDS: not has_boxes and rules.answers.words,
        "deny": rules.answers.deny,
    }
    return (*(each.choice for each in options), *(name for name, keys in others.items() if keys))


def _number(best: Reading, before: Status) -> str:
    begun = int(before.question.id, 36) if before.question else 0
    from_another = best.source != before.source
    near = abs(begun - best.begun_ms) < SAME_QUESTION_MS
    return _base36(begun if before.question and from_another and near else best.begun_ms)


def reading(match: Match, begun_ms: int, at_ms: int) -> Reading:
    return Reading(
        match.source,
        match.state,
        match.evidence,
        begun_ms,
        at_ms,
        match.text,
        match.event,
        match.options,
        match.has_always,
    )


def repeats(before: Reading, match: Match) -> bool:
    """Another event that tells of the same question; the same event asks a new one."""
    return before.state == match.state == "waiting" and before.event != match.event


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
