"""What an agent used, whatever the words of its own records. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

NUMBER_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Totals:
    """Tokens. `input` counts those read from a cache too, of which `cached` says how many; `output` counts thinking.

    `cost_usd` is None unless the agent wrote down what it knows of it. `context`: tokens in its window now.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cost_usd: float | None = None
    model: str = ""
    context: int = 0

    def plus(self, other: "Totals") -> "Totals":
        """The other is newer: its model and context hold."""
        known = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return Totals(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            sum(known) if known else None,
            other.model or self.model,
            other.context or self.context,
        )

    def since(self, before: "Totals") -> "Totals":
        """Without what was used before this Pod."""
        cost = self.cost_usd
        if cost is not None and before.cost_usd is not None:
            cost = max(0.0, cost - before.cost_usd)
        return replace(
            self,
            input=max(0, self.input - before.input),
            output=max(0, self.output - before.output),
            cached=max(0, self.cached - before.cached),
            cost_usd=cost,
        )

    @property
    def is_empty(self) -> bool:
        return not (self.input or self.output or self.cached)

    def told(self) -> dict[str, Any]:
        made: dict[str, Any] = {"input": self.input, "output": self.output, "cached": self.cached}
        if self.cost_usd is not None:
            made["cost_usd"] = round(self.cost_usd, 6)
        if self.model:
            made["model"] = self.model[:100]
        if self.context:
            made["context"] = self.context
        return made


def count(held: Mapping[str, Any], *names: str) -> int:
    """The sum of these numbers; what is none counts nothing."""
    values = (held.get(name) for name in names)
    whole = (v for v in values if isinstance(v, int) and not isinstance(v, bool))
    return sum(v for v in whole if 0 <= v < NUMBER_MAX)


def table(held: Any, name: str) -> Mapping[str, Any]:
    found = held.get(name) if isinstance(held, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def text(held: Mapping[str, Any], name: str) -> str:
    found = held.get(name)
    return found if isinstance(found, str) else ""
