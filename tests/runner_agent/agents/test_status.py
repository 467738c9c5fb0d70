"""What an agent is doing, from recorded sequences of hooks, titles and screens: late ones and missing ones included."""

import pytest

from runner_agent.agents.readings import SAME_QUESTION_MS
from runner_agent.agents.rules import Rules
from runner_agent.agents.spec import AgentSpec
from runner_agent.agents.status import SETTLE_MS, STANDING_MS, Tracker
from tests.runner_agent.agents.declared import built_in

T = 1_760_000_000_000
IDLE, BUSY, BUSY2 = "✳ Claude Code", "◐ Claude Code", "◑ Claude Code"
DIALOG = "Bash command\n\n  rm -rf build\n\nDo you want to proceed?\n> 1. Yes\n  2. No\n"
NO_DIALOG = "● Done.\n\n> \n"


class Seen:
    """A tracker and a clock: each call comes `after` so many ms."""

    def __init__(self, spec, session=""):
        self.tracker, self.now = Tracker(Rules.of(spec), session), T

    def hook(self, event, after=100, late=0, **data):
        """Fired `after` the last evidence; heard `late`."""
        self.now += after
        self.tracker.hook(event, data, self.now - late)
        return self

    def title(self, title, after=100):
        self.now += after
        self.tracker.title(title, self.now)
        return self

    def osc(self, said, after=100):
        self.now += after
        self.tracker.osc(said, self.now)
        return self

    def screen(self, text, after=400, is_quiet=True):
        self.now += after
        self.tracker.screen(text, self.now, is_quiet=is_quiet)
        return self

    def typed(self, data, after=100, *answers):
        self.now += after
        self.tracker.typed(data, self.now, *answers)
        return self

    def wait(self, ms):
        self.now += ms
        self.tracker.pass_time(self.now)
        return self

    @property
    def status(self):
        return self.tracker.status

    @property
    def state(self):
        return self.status.state


@pytest.fixture
def claude():
    return Seen(built_in("claude"))


def with_dialog(spec):
    """The same with a rule for its dialog on the screen, if it has none."""
    return AgentSpec.from_payload(
        {
            "slug": spec.slug,
            "answers": {"allow": "1", "deny": "\x1b"},
            "status": [
                *(
                    {"source": r.source, "state": r.state, "event": r.event, "match": r.match}
                    for r in spec.status
                    if r.source != "screen"
                ),
                {"source": "screen", "state": "waiting", "match": "Do you want to proceed"},
            ],
        }
    )


@pytest.fixture
def claude_dialog():
    return Seen(with_dialog(built_in("claude")))


# ---- nothing is known without evidence


def test_without_evidence_it_is_unknown(claude):
    assert (claude.state, claude.status.source) == ("unknown", "")
    assert claude.wait(10 * 60_000).state == "unknown"


def test_silence_is_no_evidence(claude):
    claude.hook("UserPromptSubmit")
    assert claude.wait(60 * 60_000).state == "working"


def test_a_hook_that_no_rule_names_says_nothing(claude):
    assert claude.hook("PreCompact").state == "unknown"


# ---- Claude Code


def test_a_turn_from_hooks_alone(claude):
    assert claude.hook("SessionStart").state == "idle"
    assert claude.hook("UserPromptSubmit").state == "working"
    assert claude.hook("PreToolUse", tool_name="Bash").state == "working"
    assert claude.hook("PostToolUse", tool_name="Bash").state == "working"
    assert claude.hook("Stop").state == "idle"
    assert claude.status.source == "hook"
    assert claude.status.evidence == "hook Stop"
    assert claude.status.since_ms == claude.now


def test_a_turn_from_titles_alone(claude):
    for title in (IDLE, BUSY, BUSY2, BUSY, IDLE):
        claude.title(title, after=1000)
        assert claude.state == ("idle" if title is IDLE else "working")
    assert claude.status.source == "title"


def test_the_state_has_lasted_since_it_changed_not_since_the_last_word(claude):
    claude.hook("UserPromptSubmit")
    since = claude.now
    for title in (BUSY, BUSY2, BUSY):
        claude.title(title, after=1000)
    claude.hook("PreToolUse", tool_name="Read")
    assert claude.status.since_ms == since


def test_an_interrupt_fires_no_hook_and_is_seen_in_the_title(claude):
    claude.title(IDLE).hook("UserPromptSubmit").title(BUSY).title(BUSY2, after=1000)
    assert claude.state == "working"
    claude.title(IDLE)
    assert (claude.state, claude.status.source) == ("idle", "title")


def test_a_hook_that_is_heard_late_does_not_wake_an_interrupted_agent(claude):
    claude.title(IDLE).hook("UserPromptSubmit").title(BUSY).title(IDLE, after=2000)
    claude.hook("PostToolUse", after=500, late=1500)
    assert claude.state == "idle"


def test_a_hook_overtaken_by_a_newer_one_is_dropped(claude):
    claude.hook("Stop", after=1000)
    claude.hook("PostToolUse", after=10, late=300)
    assert claude.state == "idle"


def test_a_title_says_idle_while_it_waits_for_a_permission_and_the_hook_stands(claude_dialog):
    it = claude_dialog
    it.title(IDLE).hook("UserPromptSubmit").title(BUSY).hook("PreToolUse").hook("PermissionRequest")
    it.title(BUSY2).title(IDLE)
    assert (it.state, it.status.source) == ("waiting", "hook")
    it.wait(60_000)
    assert it.state == "waiting"


def test_a_permission_that_was_given_is_seen_in_the_title_before_the_next_hook(claude_dialog):
    it = claude_dialog
    it.hook("UserPromptSubmit").title(BUSY).hook("PermissionRequest").title(IDLE)
    assert it.state == "waiting"
    assert it.title(BUSY, after=5000).state == "working"
    assert it.hook("PostToolUse").state == "working"


def test_a_spinner_frame_that_was_on_its_way_does_not_answer_a_question(claude_dialog):
    it = claude_dialog
    it.hook("UserPromptSubmit").title(BUSY).hook("PermissionRequest").title(BUSY2)
    assert it.state == "waiting"


def test_a_title_that_goes_on_working_outweighs_a_question_of_long_ago(claude_dialog):
    it = claude_dialog
    it.hook("UserPromptSubmit").title(BUSY).hook("PermissionRequest")
    it.title(BUSY2, after=SETTLE_MS + 1)
    assert it.state == "working"


def test_a_question_denied_by_escape_is_over_when_its_dialog_is_gone(claude_dialog):
    it = claude_dialog
    it.title(IDLE).hook("UserPromptSubmit").title(BUSY).hook("PermissionRequest").title(IDLE)
    it.screen(DIALOG)
    assert it.state == "waiting"
    it.screen(NO_DIALOG)
    assert (it.state, it.status.source) == ("idle", "title")
    assert it.status.question is None


def test_a_dialog_not_drawn_yet_does_not_end_the_question(claude_dialog):
    it = claude_dialog
    it.title(IDLE).hook("UserPromptSubmit").hook("PermissionRequest").screen(NO_DIALOG)
    assert it.state == "waiting"


def test_a_screen_half_drawn_is_not_believed(claude_dialog):
    it = claude_dialog
    it.title(IDLE)
    assert it.screen(DIALOG, is_quiet=False).state == "idle"
    it.screen(DIALOG)
    assert it.state == "waiting"
    assert it.screen("● Runn", is_quiet=False).state == "waiting"


def test_one_of_several_tools_asks_while_hooks_of_the_others_go_on(claude_dialog):
    it = claude_dialog
    it.title(IDLE).hook("UserPromptSubmit").title(BUSY).hook("PermissionRequest").hook("PreToolUse")
    it.title(IDLE).screen(DIALOG)
    assert (it.state, it.status.source) == ("waiting", "screen")


def test_a_lost_stop_hook_is_made_up_for_by_a_title_that_stands(claude):
    claude.hook("UserPromptSubmit").title(BUSY).title(IDLE)
    claude.hook("PostToolUse", after=100)
    assert claude.state == "working"
    assert claude.wait(STANDING_MS + 1).state == "idle"


def test_a_lost_prompt_hook_is_made_up_for_by_the_title(claude):
    claude.hook("Stop").title(IDLE)
    assert claude.title(BUSY, after=2000).state == "working"


def test_where_no_rule_knows_the_dialog_a_key_that_answers_ends_the_question():
    spec = built_in("claude")
    rules = [
        {"source": r.source, "state": r.state, "event": r.event, "match": r.match}
        for r in spec.status
        if r.source != "screen"
    ]
    it = Seen(AgentSpec.from_payload({"slug": "x", "status": rules}))
    it.title(IDLE).hook("UserPromptSubmit").hook("PermissionRequest").title(IDLE)
    it.typed(b"\x1b[A")
    assert it.state == "waiting"
    assert it.typed(b"\x1b").state == "idle"


# ---- questions


def test_a_question_has_its_text_its_choices_and_an_id_that_stays(claude):
    claude.hook("UserPromptSubmit").hook(
        "PermissionRequest", tool_name="Bash", tool_input={"command": "ls"}
    )
    asked = claude.status.question
    assert "ls" in asked.text
    assert claude.status.text == asked.text
    assert {"allow", "deny"} <= set(asked.choices)
    claude.title(IDLE).wait(60_000)
    assert claude.status.question == asked


def test_a_notice_that_comes_later_is_about_the_same_question():
    rules = [
        {"source": "hook", "event": "PermissionRequest", "state": "waiting", "text": "{tool_name}"},
        {"source": "hook", "event": "Notification", "state": "waiting", "text": "{message}"},
    ]
    it = Seen(AgentSpec.from_payload({"slug": "x", "status": rules}))
    it.hook("PermissionRequest", tool_name="Bash")
    asked = it.status.question
    it.hook("Notification", after=6500, message="Claude needs your permission")
    assert it.status.question == asked
    it.hook("PermissionRequest", after=60_000, tool_name="Write")
    assert it.status.question.id != asked.id


def test_a_title_and_a_hook_of_the_same_moment_ask_one_question():
    it = Seen(built_in("codex"))
    it.title("⠙ codex").title("[ ! ] Action Required | codex")
    first = it.status.question
    it.hook("PermissionRequest", after=SAME_QUESTION_MS // 10, tool_name="shell")
    assert it.status.question.id == first.id
    assert "shell" in it.status.question.text


# ---- the others


def test_codex_by_its_title_alone():
    it = Seen(built_in("codex"))
    assert it.title("codex").state == "idle"
    assert it.title("⠙ codex").state == "working"
    assert it.title("⠹ codex").state == "working"
    assert it.title("[ ! ] Action Required | codex").state == "waiting"
    assert it.status.question is not None
    assert it.title("⠸ codex").state == "working"
    assert it.title("codex").state == "idle"


def test_codex_asks_although_its_spinner_turns_on_for_a_moment():
    """As recorded: its notice, frames of the spinner, and only then the title that says so."""
    it = Seen(built_in("codex"), session="s1")
    it.osc("7501;state=working:app=codex").title("⠹ codex")
    it.hook("PreToolUse", tool_name="Bash").title("⠧ codex")
    it.hook("PermissionRequest", tool_name="Bash", tool_input={"command": "touch x"})
    asked = it.osc("7501;state=blocked:app=codex:kind=permission", after=30).status.question
    for frame in "⠇⠏⠋⠙":
        assert it.title(f"{frame} codex").status.question == asked
    assert it.title("[ . ] Action Required | codex").status.question == asked
    assert it.title("⠹ codex", after=900).state == "working"
    assert it.osc("7501;state=working:app=codex").state == "working"


def test_codex_ignores_the_hooks_of_a_conversation_of_its_own():
    rules = [
        {"source": "hook", "event": "SessionStart", "state": "idle", "session": "{session_id}"},
        {"source": "hook", "event": "Prompt", "state": "working", "session": "{session_id}"},
        {"source": "hook", "event": "Stop", "state": "idle", "session": "{session_id}"},
    ]
    it = Seen(AgentSpec.from_payload({"slug": "codex", "status": rules}))
    it.hook("SessionStart", session_id="a").hook("Prompt", session_id="a")
    it.hook("Stop", session_id="title-thread")
    assert (it.state, it.status.session) == ("working", "a")
    it.hook("SessionStart", session_id="b")
    assert it.status.session == "b"


def test_gemini_by_titles_and_its_notice():
    it = Seen(built_in("gemini"))
    assert it.title("◇  Ready (work)").state == "idle"
    assert it.title("✦  Working… (work)").state == "working"
    assert it.title("✋  Action Required (work)").state == "waiting"
    assert it.title("✦  Working… (work)").state == "working"


def test_a_notification_that_only_says_idle_does_not_veto_a_newer_screen():
    """Aider: a command runs whenever it waits for input, at its questions too."""
    rules = [
        {"source": "hook", "event": "Notification", "state": "idle"},
        {"source": "screen", "match": r"\(Y\)es/\(N\)o", "state": "waiting"},
        {"source": "screen", "match": r"Waiting for \S+", "state": "working"},
    ]
    it = Seen(AgentSpec.from_payload({"slug": "aider", "status": rules}))
    assert it.hook("Notification").state == "idle"
    assert it.screen("░█ Waiting for openai/fake").state == "working"
    assert it.hook("Notification").state == "idle"
    assert it.screen("Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]: ").state == "waiting"
    assert "Run shell command?" in it.status.question.text
    assert it.screen("done").state == "idle"


def test_a_shell_that_marks_its_prompts_needs_no_declaration():
    it = Seen(built_in("shell"))
    assert it.osc("133;A").state == "idle"
    assert it.osc("133;C").state == "working"
    assert it.osc("133;D;0").state == "working"
    assert it.osc("133;A").state == "idle"
    assert it.status.source == "osc"


def test_a_shell_that_marks_nothing_stays_unknown():
    it = Seen(None)
    assert it.title("user@host: ~").screen("$ ls\na b\n$ ").state == "unknown"


# ---- a turn was begun


def test_a_turn_begins_by_a_hook_or_by_a_title_that_turns(claude):
    claude.title(IDLE)
    entered = claude.now
    assert not claude.tracker.began_after(entered)
    assert claude.title(BUSY).tracker.began_after(entered)


def test_a_short_turn_is_seen_although_it_is_over(claude):
    claude.title(IDLE)
    entered = claude.now
    claude.title(BUSY, after=5).title(IDLE, after=5)
    assert claude.tracker.began_after(entered)
    assert claude.state == "idle"


def test_a_title_that_was_working_before_says_nothing_of_a_new_turn(claude):
    claude.title(BUSY)
    entered = claude.now
    assert not claude.title(BUSY2, after=1000).tracker.began_after(entered)


def test_the_start_of_a_conversation_is_no_turn(claude):
    assert not claude.hook("SessionStart").tracker.began_after(T)


# ---- across a restart of the daemon


def test_it_goes_on_where_it_was_after_a_restart(claude_dialog):
    it = claude_dialog
    it.title(IDLE).hook("UserPromptSubmit").hook("PermissionRequest", tool_name="Bash")
    it.title(IDLE).screen(DIALOG)
    before = it.status
    it.tracker = Tracker.again(Rules.of(with_dialog(built_in("claude"))), it.tracker.kept())
    assert it.status == before
    it.screen(NO_DIALOG)
    assert it.state == "idle"
