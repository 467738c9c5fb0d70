"""How rows are put into words and shapes. Pure: what is not known is said to be unknown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from pods.lifecycle import ENDED, AgentState, PodState
from pods.models import Pod
from pods.services.attention import EMPTY, Call, PromptQueue, call_of, went_on


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
    PodState.RUNNING: Look("Running", "state-running", "is-unknown"),
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

_SOURCES = {
    "hook": "a hook that the agent called",
    "title": "the title it gave its terminal",
    "osc": "a notice it gave its terminal",
    "screen": "what stands on its screen",
}
_NEEDS_YOU = Look("Needs you", "state-lost", "is-attention")
_READY = Look("Ready", "state-completed", "is-done")
_AGENT_LOOKS = {
    AgentState.WORKING: Look("Working", "state-starting", "is-working", turning=True),
    AgentState.WAITING: _NEEDS_YOU,
    AgentState.IDLE: Look("Idle", "state-offline", "is-unknown"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    choice: str
    word: str
    key: str = ""  # the key that gives it
    css: str = ""


_ANSWERS = {
    "allow": Answer("allow", "Allow", "a", "primary"),
    "allow_always": Answer("allow_always", "Always"),
    "next": Answer("next", "Go on", "", "primary"),
    "deny": Answer("deny", "Deny", "d", "danger"),
}


class Group(StrEnum):
    NEEDS_YOU = "Needs you"
    WORKING = "Working"
    IDLE = "Idle"
    READY = "Ready"
    ENDED = "Ended"


@dataclass(frozen=True)
class PodLook:
    """A Pod as pages show it. `pod` comes with agent_type, runner and workspace."""

    pod: Pod
    queue: PromptQueue = EMPTY
    may_type: bool = False

    @property
    def state(self) -> Look:
        if self.pod.state == PodState.PENDING and self.pod.runner_id:
            return _POD_LOOKS[PodState.STARTING]
        return _POD_LOOKS[PodState(self.pod.state)]

    @property
    def agent(self) -> Look:
        """What its agent is seen to do; the Pod's own state while that is not known, or all there is."""
        if self.pod.state != PodState.RUNNING:
            return self.state
        if self.call:
            return _NEEDS_YOU
        if self.group is Group.READY:
            return _READY
        return _AGENT_LOOKS.get(AgentState(self.pod.agent_state), self.state)

    @property
    def says(self) -> Look | None:
        return _SAYS.get(self.pod.status)

    @cached_property
    def call(self) -> Call | None:
        return call_of(self.pod, self.queue)

    @property
    def grounds(self) -> str:
        """By what a running one is known to do what it is shown to do."""
        pod = self.pod
        if self.call and self.call.kind == "prompt":
            return "A prompt did not reach it, and nobody has decided what to do about that."
        if pod.status in {"waiting", "done"} and not went_on(pod):
            return "It said so itself, with the tool report_status, and has not gone on since."
        if pod.agent_source:
            return f"Its Runner saw it by {_SOURCES.get(pod.agent_source, pod.agent_source)}."
        return "Nothing tells what it does: that is shown as running, and not taken for idle."

    @property
    def options(self) -> list[Answer]:
        """What the question itself offers, with one press each."""
        if not self._question:
            return []
        return [Answer(each["choice"], each["label"]) for each in self._question.get("options", ())]

    @property
    def answers(self) -> list[Answer]:
        """What else can be said to it with one press; words of one's own can always be given besides."""
        if not self._question:
            return []
        offered = self._question.get("choices", ())
        return [answer for choice, answer in _ANSWERS.items() if choice in offered]

    @property
    def _question(self) -> dict[str, Any] | None:
        return self.pod.question if self.call and self.call.kind == "question" else None

    @property
    def asks(self) -> bool:
        """Whether it waits for an answer, and not only for somebody to look at what went wrong."""
        return self.call is not None and self.call.kind in {"question", "waiting"}

    @property
    def takes_words(self) -> bool:
        """Whether what it waits for can be answered in words from here."""
        if not self.asks:
            return False
        return not self.pod.question or "text" in self.pod.question.get("choices", ())

    @cached_property
    def group(self) -> Group:
        """From facts, and never from silence."""
        if self.call:
            return Group.NEEDS_YOU
        match PodState(self.pod.state):
            case PodState.PENDING | PodState.STARTING:
                return Group.WORKING
            case PodState.RUNNING:
                return self._running()
            case PodState.COMPLETED if self.has_changes:
                return Group.READY
        return Group.ENDED

    def _running(self) -> Group:
        if self.pod.status == "done" and not went_on(self.pod):
            return Group.READY
        return Group.IDLE if self.pod.agent_state == AgentState.IDLE else Group.WORKING

    @property
    def since(self) -> datetime:
        """When it came to be as it is shown."""
        pod = self.pod
        if self.call:
            return self.call.since
        if pod.state != PodState.RUNNING:
            return pod.state_since
        if self.group is Group.READY and pod.status_since:
            return pod.status_since
        is_known = pod.agent_state != AgentState.UNKNOWN
        return pod.agent_since if is_known and pod.agent_since else pod.state_since

    @property
    def has_changes(self) -> bool:
        return any(self.summary.get(name) for name in ("added", "removed", "dirty", "ahead"))

    @property
    def usage(self) -> str:
        """Such as `12.3k tokens · ≈ $0.42`; empty while its agent tells of none."""
        used = self.pod.usage
        tokens = sum(int(used.get(name) or 0) for name in ("input", "output"))
        cost = used.get("cost_usd")
        parts = [f"{_short(tokens)} tokens"] if tokens else []
        if isinstance(cost, int | float):
            parts.append(f"≈ ${cost:.2f}")
        return " · ".join(parts)

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


def grouped(looks: Iterable[PodLook]) -> dict[Group, list[PodLook]]:
    """In the order in which they want attention, what asks first, the longest first; empty groups are left out."""
    groups: dict[Group, list[PodLook]] = {group: [] for group in Group}
    for look in looks:
        groups[look.group].append(look)
    groups[Group.NEEDS_YOU].sort(key=lambda look: (not look.asks, look.since))
    return {group: members for group, members in groups.items() if members}


def _short(count: int) -> str:
    if count < 1000:  # noqa: PLR2004
        return str(count)
    thousands = count / 1000
    return f"{thousands:.1f}k" if thousands < 1000 else f"{thousands / 1000:.1f}M"  # noqa: PLR2004
