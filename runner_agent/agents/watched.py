"""One agent, watched: its hooks, its live output and its screen, made into a status that is told and kept."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_agent.agent_messages import AgentStatus
from runner_agent.agents.readiness import Readiness
from runner_agent.agents.readings import Status
from runner_agent.agents.rules import Rules, last_lines
from runner_agent.agents.signs import Signs
from runner_agent.agents.spec import AgentSpec, ReadyRule
from runner_agent.agents.status import STANDING_MS, Tracker
from runner_agent.terminals.host_link import Typing
from runner_agent.terminals.pod_host import PodHost

if TYPE_CHECKING:
    from runner_agent.terminals.screen import Screen

QUIET_S = 0.3  # without output: the screen is drawn
LOOK_S = 1.0  # while output flows, the screen is looked at so often
TELL_S = 0.25  # between two words about one agent
TELL_TEXT_S = 1.0  # if only what it says of itself is new, such as the tool it uses
STANDS_S = STANDING_MS / 1000 + 0.2

logger = logging.getLogger(__name__)


class Watched:
    """`changed` is set when anything here changes; wait with `together.until`. Close it when the Pod has ended."""

    def __init__(
        self, host: PodHost, spec: AgentSpec | None, kept: Path, say: Callable[["Watched"], None]
    ) -> None:
        self.host, self.spec = host, spec
        self.rules = Rules.of(spec)
        self.tools_listed = False
        self._ready = Readiness(spec.ready if spec else ReadyRule())
        self.changed = asyncio.Event()
        self._kept, self._say = kept, say
        self._signs = Signs(bell=self.rules.wants_bell)
        self.state_at = 0.0  # the state changed last, by the loop's clock
        self._title = ""
        self._state = "unknown"
        self._told = Status()
        self._looked_at = self._told_at = 0.0
        self._look_timer: asyncio.TimerHandle | None = None
        self._tell_timer: asyncio.TimerHandle | None = None
        self._pass_timer: asyncio.TimerHandle | None = None
        self._clock = asyncio.get_running_loop()
        self._tracker = self._remembered()

    # ---- what is known

    @property
    def status(self) -> Status:
        return self._tracker.status

    @property
    def is_ready(self) -> bool:
        return self._ready.holds

    def message(self) -> AgentStatus:
        now = self.status
        return AgentStatus(
            pod=self.host.pod,
            state=now.state,
            source=now.source,
            text=now.text,
            evidence=now.evidence,
            since_ms=now.since_ms,
            question=now.question,
            session=now.session,
        )

    def began_after(self, at_ms: int) -> bool:
        return self._tracker.began_after(at_ms)

    def shown(self) -> str:
        """The last lines of the screen; "" while it is being rebuilt."""
        screen = self.host.live.near_end()
        return last_lines(str(screen.show()["text"])) if screen else ""

    # ---- evidence

    def sees_dialog(self) -> bool:
        """Whether its screen or its title shows now that it asks."""
        return self._tracker.sees_dialog()

    def attend(self) -> None:
        self.host.live.heard = self._heard
        self.host.on_change.add(self._grew)
        self.host.on_typed.add(self._typed)
        self._grew(self.host)

    def hook(self, event: str, data: dict[str, Any], at_ms: int) -> None:
        self._ready.hear(event)
        self._tracker.hook(event, data, min(at_ms, now_ms()))
        self._weighed()
        self._grew(self.host)

    def saw_tools(self) -> None:
        """Its tools/list reached our door."""
        if not self.tools_listed:
            self.tools_listed = True
            self._keep()
            self.changed.set()

    def look(self, screen: "Screen", *, is_quiet: bool) -> None:
        shown = screen.show()
        self._looked_at = self._clock.time()
        if not self._title and shown["title"]:
            self._note_title(str(shown["title"]), now_ms())
        self._tracker.screen(str(shown["text"]), now_ms(), is_quiet=is_quiet)
        if self._ready.judge(shown, self._title, is_quiet=is_quiet and self.host.end > 0):
            self._keep()
        self._weighed()

    def close(self) -> None:
        for timer in (self._look_timer, self._tell_timer, self._pass_timer):
            if timer is not None:
                timer.cancel()
        self.host.live.heard = None
        self.host.on_change.discard(self._grew)
        self.host.on_typed.discard(self._typed)
        self.changed.set()

    # ---- inside: output

    def _heard(self, data: bytes, is_late: bool) -> None:  # noqa: FBT001 - as it is called
        signs = self._signs.feed(data)
        if not signs:
            return
        at = self.host.log.time_at(self.host.live.offset) if is_late else now_ms()
        for kind, text in signs:
            if kind == "title":
                self._note_title(text, at)
            else:
                self._tracker.osc(text, at)
        self._weighed()

    def _note_title(self, title: str, at_ms: int) -> None:
        self._title = title
        self._tracker.title(title, at_ms)

    def _grew(self, host: PodHost) -> None:
        if self._look_timer is None and host.running and self._may_learn:
            self._look_timer = self._clock.call_later(QUIET_S, self._look_when_quiet)

    @property
    def _may_learn(self) -> bool:
        """Whether its screen can say anything that is not known."""
        return not self.is_ready or "screen" in self.rules.by_source

    def _look_when_quiet(self) -> None:
        self._look_timer = None
        if not self.host.running:
            return
        quiet, live = self.host.quiet_s(), self.host.live
        screen = live.near_end()
        is_quiet = quiet >= QUIET_S - 0.01
        is_drawn = is_quiet and screen is not None and live.offset >= self.host.end
        if screen and (is_drawn or self._clock.time() - self._looked_at >= LOOK_S):
            self.look(screen, is_quiet=is_drawn)
        if not is_drawn:
            again = max(0.05, QUIET_S - quiet)
            self._look_timer = self._clock.call_later(again, self._look_when_quiet)

    def _typed(self, _host: PodHost, typing: Typing, _position: int, _hidden: bool) -> None:  # noqa: FBT001
        answers = self.spec.answers if self.spec else None
        keys = (answers.allow, answers.allow_always, answers.deny) if answers else ()
        self._tracker.typed(typing.data, now_ms(), *keys)
        self._weighed()

    # ---- inside: telling

    def _weighed(self) -> None:
        if self._pass_timer is not None:
            self._pass_timer.cancel()
        self._pass_timer = self._clock.call_later(STANDS_S, self._time_passed)
        self.changed.set()
        if self.status.state != self._state:
            self._state, self.state_at = self.status.state, self._clock.time()
        if _news(self.status) == _news(self._told):
            return
        if self._tell_timer is not None:
            self._tell_timer.cancel()
        is_urgent = (self.status.state, self.status.question) != (
            self._told.state,
            self._told.question,
        )
        due = self._told_at + (TELL_S if is_urgent else TELL_TEXT_S) - self._clock.time()
        self._tell_timer = self._clock.call_later(max(0.0, due), self._tell_now)

    def _time_passed(self) -> None:
        self._pass_timer = None
        before = self.status
        self._tracker.pass_time(now_ms())
        if self.status.state != before.state:
            self._weighed()

    def _tell_now(self) -> None:
        self._tell_timer = None
        self.tell()

    def tell(self) -> None:
        """Now, if there is something new: what is told after this finds it known."""
        self._told_at = self._clock.time()
        if _news(self.status) != _news(self._told):
            self._told = self.status
            self._keep()
            self._say(self)

    # ---- inside: across restarts

    def _keep(self) -> None:
        held = {
            "tracker": self._tracker.kept(),
            "tools_listed": self.tools_listed,
            "is_ready": self.is_ready,
            "heard": sorted(self._ready.heard),
        }
        draft = self._kept.with_suffix(".new")
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(held))
            draft.replace(
                self._kept
            )  # not synced: when the machine goes down, the Pod goes with it
        except OSError as error:
            logger.warning("what %s does is not kept: %s", self.host.pod, error)

    def _remembered(self) -> Tracker:
        try:
            held = json.loads(self._kept.read_text())
            tracker = Tracker.again(self.rules, held["tracker"])
            self.tools_listed, self._ready.holds = held["tools_listed"], held["is_ready"]
            self._ready.heard.update(held.get("heard", ()))
        except FileNotFoundError:
            return Tracker(self.rules)
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("what %s did is not known any more: %s", self.host.pod, error)
            return Tracker(self.rules)
        return tracker


def _news(status: Status) -> tuple[Any, ...]:
    """What is worth telling of: evidence alone, such as the frames of a spinner, is not."""
    return (status.state, status.source, status.text, status.question, status.session)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
