"""One reader for each kind of record. `read()` gives the totals so far; it waits for the disk, so call it aside."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from runner_agent.agents.usage.opencode import OpenCode
from runner_agent.agents.usage.records import Records
from runner_agent.agents.usage.totals import Totals, count, table, text

IDS_MAX = 100_000  # answers of one conversation
_TOKENS = re.compile(
    rb"Tokens: ([\d.,]+[kM]?) sent, (?:[\d.,]+[kM]? cache [^,]{1,10}, ){0,2}([\d.,]+[kM]?) received"
)
_COST = re.compile(rb"Cost: \$([\d.]+) message")
_CACHE_HIT = re.compile(rb"([\d.,]+[kM]?) cache hit")


class Reader(Protocol):
    def read(self) -> Totals: ...


class Claude:
    """`projects/<folder>/<session>.jsonl`: one message is written in several lines, each with its whole usage."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._records = Records(root, pattern)
        self._messages: dict[str, Totals] = {}
        self._cost: dict[str, float] = {}
        self._last = Totals()

    def read(self) -> Totals:
        for name, held in self._records.new_objects():
            match held.get("type"):
                case "assistant":
                    self._message(table(held, "message"))
                case "cost-state":
                    self._cost_of(name, held)
        spent = sum(self._cost.values()) if self._cost else None
        return _sum(self._messages.values()).plus(replace(self._last, cost_usd=spent))

    def _message(self, message: Mapping[str, Any]) -> None:
        used = table(message, "usage")
        read = count(used, "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        made = Totals(
            input=read,
            output=count(used, "output_tokens"),
            cached=count(used, "cache_read_input_tokens"),
            model=text(message, "model"),
        )
        identity = text(message, "id")
        if made.is_empty or not identity or len(self._messages) >= IDS_MAX:
            return
        self._messages[identity] = made
        self._last = Totals(model=made.model, context=made.input + made.output)

    def _cost_of(self, name: str, held: Mapping[str, Any]) -> None:
        """It adds up by itself, over resumes too. Of a model whose price it does not know it is a guess."""
        spent = held.get("totalCostUSD")
        self._cost.pop(name, None)
        if isinstance(spent, int | float) and not held.get("hasUnknownModelCost"):
            self._cost[name] = float(spent)


class Codex:
    """`sessions/…/rollout-*.jsonl`, one for each thread, with totals that grow; a fork's begin with those it was made of."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._records = Records(root, pattern)
        self._threads: dict[str, Totals] = {}
        self._inherited: dict[str, Totals] = {}
        self._model, self._context = "", 0

    def read(self) -> Totals:
        for name, held in self._records.new_objects():
            said = table(held, "payload")
            if held.get("type") == "turn_context":
                self._model = text(said, "model") or self._model
            elif said.get("type") == "token_count":
                self._counted(name, table(said, "info"))
        return _sum(self._threads.values()).plus(Totals(model=self._model, context=self._context))

    def _counted(self, name: str, info: Mapping[str, Any]) -> None:
        used = table(info, "total_token_usage")
        if not used:
            return
        last, total = table(info, "last_token_usage"), _of_codex(used)
        inherited = self._inherited.setdefault(name, total.since(_of_codex(last)))
        self._threads[name] = total.since(inherited)
        self._context = count(last, "total_tokens")


def _of_codex(used: Mapping[str, Any]) -> Totals:
    return Totals(
        input=count(used, "input_tokens"),
        output=count(used, "output_tokens"),
        cached=count(used, "cached_input_tokens"),
    )


class Gemini:
    """`tmp/<project>/chats/session-*.jsonl`: an answer is written again when its tools have run."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._records = Records(root, pattern)
        self._answers: dict[str, Totals] = {}
        self._last = Totals()

    def read(self) -> Totals:
        for _, held in self._records.new_objects():
            used, identity = table(held, "tokens"), text(held, "id")
            if held.get("type") != "gemini" or not used or not identity:
                continue
            made = Totals(
                input=count(used, "input", "tool"),
                output=count(used, "output", "thoughts"),
                cached=count(used, "cached"),
                model=text(held, "model"),
                context=count(used, "total"),
            )
            if len(self._answers) < IDS_MAX:
                self._answers[identity] = made
                self._last = Totals(model=made.model, context=made.context)
        return _sum(self._answers.values()).plus(self._last)


class Aider:
    """Its chat history says after each answer “Tokens: 2.5k sent, 22 received.”, rounded."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._records = Records(root, pattern)
        self._total = Totals()

    def read(self) -> Totals:
        for _, line in self._records.new_lines():
            if found := _TOKENS.search(line):
                cost, cached = _COST.search(line), _CACHE_HIT.search(line)
                self._total = self._total.plus(
                    Totals(
                        input=_rounded(found[1]) + (_rounded(cached[1]) if cached else 0),
                        output=_rounded(found[2]),
                        cached=_rounded(cached[1]) if cached else 0,
                        cost_usd=float(cost[1]) if cost else None,
                    )
                )
        return self._total


def _sum(each: Iterable[Totals]) -> Totals:
    total = Totals()
    for one in each:
        total = total.plus(one)
    return total


def _rounded(said: bytes) -> int:
    """2.5k, 1.2M, 1,024"""
    number = said.decode().replace(",", "")
    factor = {"k": 1_000, "M": 1_000_000}.get(number[-1:], 1)
    try:
        return int(float(number.rstrip("kM")) * factor)
    except ValueError:
        return 0


KINDS: dict[str, Callable[[Path, str], Reader]] = {
    "claude": Claude,
    "codex": Codex,
    "gemini": Gemini,
    "opencode": OpenCode,
    "aider": Aider,
}
