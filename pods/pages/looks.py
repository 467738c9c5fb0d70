"""How rows are put into words and shapes. Pure: what is not known is said to be unknown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from pods.lifecycle import ENDED, PodState
from pods.models import Pod, PodEvent, Runner


@dataclass(frozen=True, slots=True)
class Look:
    """A state as a word, a shape (an icon's id) and a colour (a class), with the long form as title."""

    word: str
    shape: str
    tone: str
    turning: bool = False


_POD_LOOKS = {
    PodState.PENDING: Look("Waiting", "state-pending", "is-unknown"),
    PodState.STARTING: Look("Preparing", "state-starting", "is-working", turning=True),
    PodState.RUNNING: Look("Running", "state-running", "is-working"),
    PodState.STOPPING: Look("Ending", "state-stopping", "is-unknown", turning=True),
    PodState.COMPLETED: Look("Completed", "state-completed", "is-done"),
    PodState.FAILED: Look("Failed", "state-failed", "is-failed"),
    PodState.TERMINATED: Look("Terminated", "state-terminated", "is-unknown"),
    PodState.LOST: Look("Lost", "state-lost", "is-attention"),
}


_SAYS = {
    "working": Look("says working", "state-starting", "is-working"),
    "waiting": Look("waits for you", "state-lost", "is-attention"),
    "done": Look("says done", "state-completed", "is-done"),
}
"""What an agent reported of itself. It is a word of its own, beside the Pod's state."""


class Group(StrEnum):
    NEEDS_YOU = "Needs you"
    WAITING = "Waiting for a Runner"
    PREPARING = "Preparing"
    RUNNING = "Running"
    ENDED = "Ended"


@dataclass(frozen=True)
class PodLook:
    """A Pod as pages show it. `pod` comes with agent_type, runner and workspace."""

    pod: Pod

    @property
    def state(self) -> Look:
        if self.pod.state == PodState.PENDING and self.pod.runner_id:
            return _POD_LOOKS[PodState.STARTING]
        return _POD_LOOKS[PodState(self.pod.state)]

    @property
    def says(self) -> Look | None:
        return _SAYS.get(self.pod.status)

    @property
    def group(self) -> Group:
        match PodState(self.pod.state):
            case PodState.RUNNING if self.pod.status == "waiting":
                return Group.NEEDS_YOU
            case PodState.LOST:
                return Group.NEEDS_YOU
            case PodState.PENDING if self.pod.runner_id is None:
                return Group.WAITING
            case PodState.PENDING | PodState.STARTING:
                return Group.PREPARING
            case PodState.RUNNING | PodState.STOPPING:
                return Group.RUNNING
        return Group.ENDED

    @property
    def is_ended(self) -> bool:
        return self.pod.state in ENDED

    @property
    def is_preparing(self) -> bool:
        return self.pod.state in {PodState.PENDING, PodState.STARTING}

    @property
    def headline(self) -> str:
        """Its name, else the first line of its prompt, else its key."""
        first_line = self.pod.prompt.strip().split("\n", 1)[0]
        return self.pod.name or first_line or self.pod.key

    @property
    def branch(self) -> str:
        return self.pod.workspace.branch if self.pod.workspace else ""

    @property
    def summary(self) -> dict[str, object]:
        """Empty while nothing is known of its changes."""
        return self.pod.workspace.summary if self.pod.workspace else {}

    @property
    def why(self) -> str:
        """Why it is where it is, when there is more to say than the state's word."""
        if self.pod.state == PodState.PENDING:
            return self.pod.waiting_for
        if self.pod.state == PodState.RUNNING:
            return ""
        return self.pod.reason

    @property
    def runner_away_since(self) -> datetime | None:
        """Since when nothing is heard of the Runner it runs on."""
        runner = self.pod.runner
        if runner is None or self.is_ended or runner.is_online:
            return None
        return runner.seen_at or runner.created_at


def grouped(pods: Iterable[Pod]) -> dict[Group, list[PodLook]]:
    """In the order in which they want attention; empty groups are left out."""
    looks = [PodLook(pod) for pod in pods]
    groups = {group: [look for look in looks if look.group is group] for group in Group}
    return {group: members for group, members in groups.items() if members}


# ---- Steps while starting

_STEPS = {
    "queued": "Sent to the Runner",
    "workspace": "Workspace",
    "agent": "Agent",
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
    return list(found.values())


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


# ---- Runners


@dataclass(frozen=True)
class RunnerLook:
    """A Runner as pages show it, with how many of its places are taken."""

    runner: Runner
    taken: int
    expires: datetime | None = None  # its newest certificate that is not revoked

    @property
    def state(self) -> Look:
        if self.runner.disabled_at:
            return Look("Disabled", "state-disabled", "is-unknown")
        if not self.runner.is_online:
            return Look("Offline", "state-offline", "is-unknown")
        if self.runner.draining_since:
            return Look("Draining", "state-draining", "is-attention")
        return Look("Online", "state-online", "is-done")

    @property
    def since(self) -> datetime | None:
        runner = self.runner
        if runner.disabled_at:
            return runner.disabled_at
        if not runner.is_online:
            return runner.seen_at
        return runner.draining_since or runner.attached_at
