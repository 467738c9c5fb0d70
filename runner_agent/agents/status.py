"""What an agent is doing, from evidence alone: hooks first, then titles and notices, then the screen. Pure.

Each source has its last word; `Tracker` weighs them. What was measured of the real programs:
* An interrupt fires no hook: a title that turns idle after the last hook ends “working”.
* A title may say idle while the agent waits for a permission: then the hook stands, until something shows that it was
  answered: a newer hook, a title that turns to working, or a dialog that was on the screen and is gone.
* A spinner in the title may turn on for a moment after a notice said that it waits: each of the two is heard by itself.
* Hooks may come late, or not at all: what counts is when they were fired, and a title that stands against them.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Self

from runner_agent.agent_messages import AgentState, AskedQuestion, Source
from runner_agent.agents.readings import Reading, Status, asked, reading, repeats
from runner_agent.agents.rules import LATEST, Match, Rules

SETTLE_MS = 3000  # a title that is only repeated outweighs a hook that is so much older
STANDING_MS = 5000  # a title that says idle for so long against a hook that says working is right
ANSWERS = (b"\r", b"\n", b"\x1b")  # keys that may answer a dialog, besides the declared ones


class Tracker:
    """Times are the wall clock's, in ms. Each of `hook title osc screen typed pass_time` may change `status`."""

    def __init__(self, rules: Rules, session: str = "") -> None:
        self._rules, self._session = rules, session
        self._hook: Reading | None = None
        self._signs: dict[Source, Reading] = {}  # titles and notices, each for itself
        self._screen: Reading | None = None
        self._dialog_seen = False  # while a hook says waiting
        self._begun_ms = 0  # it was seen to begin a turn, or to ask, at this time
        self.status = Status(session=session)

    # ---- evidence

    def hook(self, event: str, data: Mapping[str, Any], at_ms: int) -> None:
        match = self._rules.hook(event, data)
        if match is None or not self._is_ours(match):
            return
        before = self._hook
        if before and before.at_ms > at_ms:
            return  # it was overtaken by a newer one
        if before and repeats(before, match):
            self._hook = replace(before, at_ms=at_ms, text=before.text or match.text)
        else:
            self._hook = reading(match, at_ms, at_ms)
            self._dialog_seen = False
        self._note_begun(match, at_ms)
        self._weigh(at_ms)

    def title(self, title: str, at_ms: int) -> None:
        self._said(self._rules.title(title), at_ms)

    def osc(self, said: str, at_ms: int) -> None:
        self._said(self._rules.osc(said), at_ms)

    def screen(self, text: str, at_ms: int, *, is_quiet: bool) -> None:
        """While output flows a screen may be half drawn: a dialog is believed when it is quiet."""
        match = self._rules.screen(text)
        if match and match.state == "waiting" and not is_quiet:
            return
        if match is None and not is_quiet:
            return
        was, self._screen = self._screen, None
        if match:
            self._screen = self._continued(was, match, at_ms)
            self._note_turn(was, match, at_ms)
        self._judge_dialog(shown=match is not None and match.state == "waiting")
        self._weigh(at_ms)

    def typed(self, data: bytes, at_ms: int, *answers: str) -> None:
        """Somebody typed. Where no rule knows the dialog, a key that answers one means that it was answered."""
        is_waiting = self._hook is not None and self._hook.state == "waiting"
        if not is_waiting or "waiting" in self._rules.says("screen", "title", "osc"):
            return
        if data in ANSWERS or data in {answer.encode() for answer in answers if answer}:
            self._hook = None
            self._weigh(at_ms)

    def pass_time(self, now_ms: int) -> None:
        self._weigh(now_ms)

    def began_after(self, at_ms: int) -> bool:
        """Whether a turn was seen to begin, to ask or to end since then."""
        return self._begun_ms > at_ms

    def sees_dialog(self) -> bool:
        """By the screen or the title alone."""
        shown = (self._screen, self._signs.get("title"))
        return any(each and each.state == "waiting" for each in shown)

    # ---- across restarts

    def kept(self) -> dict[str, Any]:
        readings = {"hook": self._hook, "screen": self._screen, **self._signs}
        return {
            "readings": {name: asdict(each) for name, each in readings.items() if each},
            "dialog_seen": self._dialog_seen,
            "begun_ms": self._begun_ms,
            "since_ms": self.status.since_ms,
            "question": self.status.question.told() if self.status.question else None,
            "session": self._session,
        }

    @classmethod
    def again(cls, rules: Rules, kept: Mapping[str, Any], session: str = "") -> Self:
        """As it was; KeyError and TypeError for what was not kept by this class."""
        tracker = cls(rules, str(kept["session"]) or session)
        found = {name: Reading.read(each) for name, each in kept["readings"].items()}
        tracker._hook, tracker._screen = found.pop("hook", None), found.pop("screen", None)
        tracker._signs = {each.source: each for each in found.values()}
        tracker._dialog_seen = bool(kept["dialog_seen"])
        tracker._begun_ms = int(kept["begun_ms"])
        best = tracker._best(0)
        asked = kept["question"]
        question = AskedQuestion.read(asked) if asked else None
        tracker.status = tracker._status(best, int(kept["since_ms"]), question)
        return tracker

    # ---- inside

    def _is_ours(self, match: Match) -> bool:
        """Agents run conversations of their own beside the one with us; a start may name another one."""
        if not match.session or match.session == self._session:
            return True
        if self._session and not match.event.startswith(LATEST):
            return False
        self._session = match.session
        return True

    def _said(self, match: Match | None, at_ms: int) -> None:
        if match is None:
            return
        was = self._signs.get(match.source)
        self._signs[match.source] = self._continued(was, match, at_ms)
        self._note_turn(was, match, at_ms)
        self._weigh(at_ms)

    @property
    def _title(self) -> Reading | None:
        """Of titles and notices the one that changed last: a spinner that turns on says nothing new."""
        if not self._signs:
            return None
        last = max(self._signs.values(), key=lambda each: (each.begun_ms, each.at_ms))
        said = (each.text for each in self._signs.values() if each.state == last.state)
        return replace(last, text=last.text or next(filter(None, said), ""))

    def _continued(self, before: Reading | None, match: Match, at_ms: int) -> Reading:
        if before is None or before.state != match.state or _asks_another(before, match):
            return reading(match, at_ms, at_ms)
        return reading(match, before.begun_ms, at_ms)

    def _note_turn(self, was: Reading | None, match: Match, at_ms: int) -> None:
        if match.state != "idle" and (was is None or was.state != match.state):
            self._note_begun(match, at_ms)

    def _note_begun(self, match: Match, at_ms: int) -> None:
        if match.source == "hook" and match.event.startswith(LATEST):
            return  # a conversation began, not a turn
        self._begun_ms = max(self._begun_ms, at_ms)

    def _judge_dialog(self, *, shown: bool) -> None:
        if self._hook is None or self._hook.state != "waiting":
            return
        if shown:
            self._dialog_seen = True
        elif self._dialog_seen:
            self._hook, self._dialog_seen = None, False

    def _weigh(self, now_ms: int) -> None:
        best = self._best(now_ms)
        before = self.status
        state: AgentState = best.state if best else "unknown"
        changed_ms = best.begun_ms if best else now_ms
        since = before.since_ms if state == before.state else changed_ms
        question = None
        if best is not None and best.state == "waiting":
            question = asked(best, self._screen, before, self._rules)
        self.status = self._status(best, since, question)

    def _status(
        self, best: Reading | None, since_ms: int, question: AskedQuestion | None
    ) -> Status:
        if best is None:
            return Status(since_ms=since_ms, session=self._session)
        return Status(
            state=best.state,
            source=best.source,
            text=question.text if question else best.text,
            evidence=best.evidence,
            since_ms=since_ms,
            question=question,
            session=self._session,
        )

    def _best(self, now_ms: int) -> Reading | None:
        top = self._hook_or_title(now_ms)
        screen = self._screen
        if screen is None or top is None:
            return top or screen
        if screen.state == top.state:
            return top
        told = self._rules.says("hook", "title", "osc")
        says_idle = self._title is not None and self._title.state == "idle"
        if screen.state == "waiting" and (top.state == "idle" or says_idle):
            return screen  # one of several tools asks; hooks of the others came after
        if screen.state not in told and screen.at_ms >= top.at_ms:
            return screen
        return top

    def _hook_or_title(self, now_ms: int) -> Reading | None:
        hook, title = self._hook, self._title
        if hook is None or title is None:
            return hook or title
        if title.state == hook.state or not self._outweighs(title, hook, now_ms):
            return hook
        if hook.state == "waiting" and title.state == "idle":
            return hook
        return title

    def _outweighs(self, title: Reading, hook: Reading, now_ms: int) -> bool:
        if title.begun_ms > hook.at_ms or title.at_ms > hook.at_ms + SETTLE_MS:
            return True
        tells_both = self._rules.says("title", "osc") >= {"working", "idle"}
        stands = now_ms > hook.at_ms + STANDING_MS
        return hook.state == "working" and title.state == "idle" and tells_both and stands


def _asks_another(before: Reading, match: Match) -> bool:
    """The next of several questions in one dialog."""
    return bool(match.options) and (before.text, before.options) != (match.text, match.options)
