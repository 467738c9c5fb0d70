"""How far the newest update is, on the disk: a daemon that is started anew goes on from it, and `status` shows it."""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runner_agent.session_messages import UpdateStep
from runner_agent.settings import replace_file

SWITCHING = "switching"
SWITCHES_MAX = 2  # of one update: the launcher was killed in between


@dataclass(slots=True)
class Journal:
    """`state`: "working", "done" or "failed". `steps` as they are told: {step, at_ms, text}, one for each step. `silent`: Pods
    whose hosts did not answer before the switch, for which the new release is not to blame."""

    id: str
    version: str
    was: str
    mode: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    state: str = "working"
    reason: str = ""
    switches: int = 0
    silent: list[str] = field(default_factory=list)

    @property
    def step(self) -> str:
        return str(self.steps[-1]["step"]) if self.steps else ""

    def note(self, step: str, text: str) -> UpdateStep:
        """Its newest word; when a step began stays."""
        if self.step == step:
            self.steps[-1]["text"] = text
        else:
            self.steps.append({"step": step, "at_ms": time.time_ns() // 1_000_000, "text": text})
        return UpdateStep(self.id, step, time.time_ns() // 1_000_000, text)

    def save(self, path: Path) -> None:
        replace_file(path, json.dumps(asdict(self)).encode())


def read(path: Path) -> Journal | None:
    """None if there is none, or it cannot be read: nothing depends on an older one."""
    try:
        return Journal(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
