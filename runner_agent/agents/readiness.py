"""Whether an agent takes prompts yet: by what its type declares, or once its Terminal is quiet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner_agent.agents.spec import ReadyRule


@dataclass(slots=True)
class Readiness:
    """`holds` stays once it does. `heard`: the events of its hooks that came before."""

    rule: ReadyRule
    holds: bool = False
    heard: set[str] = field(default_factory=set)

    def hear(self, event: str) -> None:
        if event == self.rule.hook:
            self.heard.add(event)

    def judge(self, shown: Mapping[str, Any], title: str, *, is_quiet: bool) -> bool:
        """Whether it holds now, and did not before. `shown` is its screen."""
        if self.holds:
            return False
        rule = self.rule
        if rule.is_declared:
            self.holds = (
                (not rule.paste or bool(shown["bracketed_paste"]))
                and (not rule.hook or rule.hook in self.heard)
                and bool(re.search(rule.title, title))
                and bool(re.search(rule.screen, str(shown["text"]), re.MULTILINE))
            )
        else:
            self.holds = is_quiet
        return self.holds
