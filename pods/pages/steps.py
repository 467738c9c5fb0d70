"""How far a Pod has come on its way to an open terminal, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pods.lifecycle import ENDED
from pods.models import Pod, PodEvent
from pods.pages.looks import Look

_STEPS = {
    "queued": "Sent to the Runner",
    "workspace": "Workspace",
    "agent": "Agent",
    "setup": "Setup script",
    "ready": "Terminal open",
}


@dataclass
class Step:
    name: str
    look: Look | None = None  # None: not reached yet
    text: str = ""
    at: datetime | None = None
    took_s: float | None = None


_DOING = Look("now", "state-starting", "is-working", turning=True)
_DONE = Look("done", "state-completed", "is-done")
_BROKEN = Look("failed", "state-failed", "is-failed")


def steps(pod: Pod, events: Iterable[PodEvent]) -> list[Step]:
    """What a Pod goes through until its terminal is open, as far as it has come."""
    found = {name: Step(words) for name, words in _STEPS.items()}
    reached: list[Step] = []
    for event in events:
        step = found.get(event.step)
        if step is None:
            continue
        if step.at is None:
            step.at = event.at
            reached.append(step)
        step.text = event.text
    _judge(pod, reached, found["ready"])
    return [step for step in found.values() if step in reached or step is not found["setup"]]


def _judge(pod: Pod, reached: list[Step], ready: Step) -> None:
    for step, after in pairwise(reached):
        step.look = _DONE
        if step.at and after.at:
            step.took_s = (after.at - step.at).total_seconds()
    if not reached:
        return
    last = reached[-1]
    if last is ready or pod.started_at:
        last.look = _DONE
    elif pod.state in ENDED:
        last.look = _BROKEN
    else:
        last.look = _DOING
