"""What the Runner has to say to the server, kept across Sessions.

Said in order of first mention. A result and the end of a Pod stay until the server confirmed them; progress coalesces
to its newest line, so at most three per Pod wait; what belongs to one Session (an ack, an answer, a heartbeat) is
dropped with it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from runner_agent.agent_messages import AgentStatus, AgentUsage, PromptStep
from runner_agent.messages import (
    Answer,
    CommandResult,
    InputBurst,
    KeptScreen,
    PodReport,
    Progress,
)
from runner_agent.session_messages import (
    AgentsFound,
    CommandAck,
    Goodbye,
    Heartbeat,
    Outgoing,
    UpdateStep,
)
from runner_agent.together import until

BURSTS_KEPT = 2000  # of input, while the server cannot confirm them; the oldest go first
REPEAT_AFTER_S = 30.0  # what is not confirmed by then is said again

logger = logging.getLogger(__name__)

_Key = tuple[str, ...]
_OF_ONE_SESSION = frozenset({"ack", "answer", "heartbeat", "goodbye"})


@dataclass(slots=True)
class _Kept:
    message: Outgoing
    said_at: float | None = None


class Outbox:
    """Used from the event loop's thread only. `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._unsaid: dict[_Key, Outgoing] = {}
        self._kept: dict[_Key, _Kept] = {}
        self._bursts = 0
        self._changed = asyncio.Event()

    # ---- from the parts of the Runner

    def result(self, result: CommandResult) -> None:
        self._keep(("result", result.id), result)

    def report(self, report: PodReport) -> None:
        """RUNNING is said once (the next hello says it again); an end is kept until confirmed."""
        key = ("report", report.pod, report.state)
        if report.state == "running":
            self._say(key, report)
        else:
            self._keep(key, report)

    def typed(self, burst: InputBurst) -> None:
        self._keep(("typed", burst.pod, burst.writer, str(burst.position)), burst)
        self._bursts += 1
        if self._bursts > BURSTS_KEPT:
            oldest = next(key for key in self._kept if key[0] == "typed")
            logger.warning("what was typed is not told to the server: %s", oldest)
            self._forget_bursts(oldest)

    def progress(self, progress: Progress) -> None:
        self._say(("progress", progress.pod, progress.step), progress)

    def kept_screen(self, screen: KeptScreen) -> None:
        self._say(("screen", screen.pod), screen)

    def agent_status(self, status: AgentStatus) -> None:
        """The latest of each Pod; who holds it says it again at each Session, by `attached`'s hello."""
        self._say(("agent", status.pod), status)

    def agent_usage(self, usage: AgentUsage) -> None:
        self._say(("usage", usage.pod), usage)

    def prompt_step(self, step: PromptStep) -> None:
        self._say(("step", step.command_id, step.step), step)

    def agents(self, found: AgentsFound) -> None:
        """Said once: the next hello says it again."""
        self._say(("agents",), found)

    def update_step(self, step: UpdateStep) -> None:
        self._say(("update", step.command_id), step)

    # ---- from the Session, dropped with it

    def ack(self, command_id: str) -> None:
        self._say(("ack", command_id), CommandAck(command_id))

    def answer(self, answer: Answer) -> None:
        self._say(("answer", answer.question_id), answer)

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        """An answer does not take the place of a question of ours that waits."""
        self._say(("heartbeat", "answer" if heartbeat.echo_ms else "question"), heartbeat)

    def goodbye(self, goodbye: Goodbye) -> None:
        self._say(("goodbye",), goodbye)

    # ---- confirmed by the server

    def report_received(self, pod: str) -> None:
        self._drop(("report", pod, "ended"), ("report", pod, "lost"))

    def results_received(self, ids: tuple[str, ...]) -> None:
        self._drop(*(("result", one) for one in ids))

    def input_recorded(self, bursts: tuple[tuple[str, str, int], ...]) -> None:
        self._forget_bursts(*(("typed", pod, writer, str(at)) for pod, writer, at in bursts))

    # ---- for the Session's one writer

    def attached(self, in_hello: tuple[PodReport, ...] = ()) -> None:
        """A new Session is up: what is not confirmed is said again, except what its hello said."""
        now = self._clock()
        told: set[_Key] = {("report", report.pod, report.state) for report in in_hello}
        for key in told & self._kept.keys():
            self._kept[key].said_at = now
        again = {key: kept.message for key, kept in self._kept.items() if key not in self._unsaid}
        waiting = {k: m for k, m in self._unsaid.items() if k[0] not in _OF_ONE_SESSION}
        both = again | waiting
        self._unsaid = {key: message for key, message in both.items() if key not in told}
        self._changed.set()

    def repeat_unconfirmed(self) -> None:
        before = self._clock() - REPEAT_AFTER_S
        for key, kept in self._kept.items():
            if kept.said_at is not None and kept.said_at <= before:
                self._say(key, kept.message)

    async def next(self) -> Outgoing:
        """The oldest message not said yet, and from now on said. Waits for one; for one caller."""
        await until(self._changed, lambda: bool(self._unsaid))
        key = next(iter(self._unsaid))
        message = self._unsaid.pop(key)
        if kept := self._kept.get(key):
            kept.said_at = self._clock()
        self._changed.set()
        return message

    async def all_said(self) -> None:
        await until(self._changed, lambda: not self._unsaid)

    # ---- inside

    def _say(self, key: _Key, message: Outgoing) -> None:
        self._unsaid[key] = message
        self._changed.set()

    def _keep(self, key: _Key, message: Outgoing) -> None:
        self._kept[key] = _Kept(message)
        self._say(key, message)

    def _forget_bursts(self, *keys: _Key) -> None:
        self._bursts -= len(set(keys) & self._kept.keys())
        self._drop(*keys)

    def _drop(self, *keys: _Key) -> None:
        for key in keys:
            self._kept.pop(key, None)
            self._unsaid.pop(key, None)
        self._changed.set()
