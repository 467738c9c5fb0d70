"""Whatever comes, in whatever order: a state has evidence, and a restart changes nothing."""

import json

from hypothesis import given
from hypothesis import strategies as st

from runner_agent.agents.rules import Rules
from runner_agent.agents.status import Tracker
from tests.runner_agent.agents.declared import built_in

EVENTS = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "Stop", "Else")
TITLES = (
    "✳ Claude Code",
    "◐ Claude Code",
    "⠙ codex",
    "codex",
    "[ ! ] Action Required | codex",
    "x",
)
SCREENS = (
    "",
    "Do you want to proceed?\n\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} 1. Yes",
    "> ",
)

steps = st.one_of(
    st.tuples(st.just("hook"), st.sampled_from(EVENTS), st.integers(0, 4000)),
    st.tuples(st.just("title"), st.sampled_from(TITLES), st.just(0)),
    st.tuples(st.just("screen"), st.sampled_from(SCREENS), st.booleans()),
    st.tuples(st.just("typed"), st.sampled_from((b"\r", b"\x1b", b"1", b"x")), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.integers(0, 10_000)),
)


@given(
    slug=st.sampled_from(("claude", "codex", "gemini", "opencode", "aider", "shell")),
    sequence=st.lists(st.tuples(st.integers(0, 3000), steps), max_size=30),
)
def test_a_state_has_evidence_and_survives_a_restart(slug, sequence):
    rules = Rules.of(built_in(slug))
    tracker, now = Tracker(rules), 1_760_000_000_000
    for after, (kind, what, how) in sequence:
        now += after
        match kind:
            case "hook":
                tracker.hook(what, {"session_id": "s", "tool_name": "Bash"}, now - how)
            case "title":
                tracker.title(what, now)
            case "screen":
                tracker.screen(what, now, is_quiet=how)
            case "typed":
                tracker.typed(what, now, "1")
            case _:
                now += how
                tracker.pass_time(now)
        status = tracker.status
        assert (status.state == "unknown") == (not status.evidence) == (not status.source)
        assert (status.question is not None) == (status.state == "waiting")
        assert status.since_ms <= now
        again = Tracker.again(rules, json.loads(json.dumps(tracker.kept())))
        tracker.pass_time(now)
        again.pass_time(now)
        assert again.status == tracker.status
