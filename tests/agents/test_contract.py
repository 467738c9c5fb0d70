"""What each real program took and gave when it was recorded (fixtures/<slug>) is what our declarations write and read.

When a newer version of a program is tried, its fixtures are recorded anew; a difference here is what to look at.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pods import declarations
from pods.declarations import Choices
from runner_agent.agents import launch
from runner_agent.agents.rules import Rules
from runner_agent.agents.spec import AgentSpec
from runner_agent.agents.start import AgentStart
from runner_agent.agents.status import Tracker
from runner_agent.agents.usage.readers import KINDS
from runner_agent.places import Places
from tests.agents.programs import PROGRAMS

FIXTURES = Path(__file__).parent / "fixtures"
DECLARED = Path(__file__).parents[2] / "pods" / "agent_types"
KEY = "sk-fake-0123456789abcdefghijklmnop"
HOOK = {
    "tool_name": "AskUserQuestion",
    "tool_input": {"questions": [{"question": "Which color do you prefer?", "header": "Color"}]},
}
VALUES = {
    "session": "00000000-0000-4000-8000-000000000000",
    "resume": "00000000-0000-4000-8000-000000000000",
    "home": "/pod/home",
    "workspace": "/pod/ws",
    "files": "/pod/files",
    "mcp_url": "http://127.0.0.1:1/mcp",
    "token_file": "/pod/home/.mesh/token",
    "pod": "pod",
}

each_program = pytest.mark.parametrize("slug", PROGRAMS)


def declared(slug):
    return declarations.from_toml((DECLARED / f"{slug}.toml").read_text())


def spec_of(slug):
    program = PROGRAMS[slug]
    chosen = Choices(permissions="ask", model=program.model, provider=program.provider)
    return AgentSpec.from_payload(declarations.resolve(declared(slug), chosen))


def prepared(slug):
    spec = spec_of(slug)
    secrets = {"api_key": KEY, "base_url": "http://127.0.0.1:2", "pod_token": "pod-token-0123"}
    start = AgentStart(spec, VALUES["session"], model=PROGRAMS[slug].model, secrets=secrets)
    places = Places(pod=Path("/pod"), workspace=Path("/pod/ws"), home=Path("/pod/home"))
    values = VALUES | {"model": PROGRAMS[slug].model}
    return launch.prepare(start, spec.launch.argv, places, values)


@each_program
def test_the_files_that_are_written_are_those_that_the_program_took(slug):
    written = {file.path.name.lstrip("."): file.data.decode() for file in prepared(slug).files}
    recorded = {path.name: path.read_text() for path in (FIXTURES / slug / "files").iterdir()}
    assert written == recorded


@each_program
def test_the_command_line_is_the_one_that_was_recorded(slug):
    recorded = json.loads((FIXTURES / slug / "launch.json").read_text())
    made = prepared(slug)
    assert list(made.argv) == recorded["argv"]
    assert {name: made.env.get(name) for name in recorded["env"]} == recorded["env"]
    assert KEY not in " ".join(made.argv)


@each_program
def test_what_it_said_and_showed_gives_its_states(slug):
    tracker, screens, seen = Tracker(Rules.of(spec_of(slug))), FIXTURES / slug / "screens", []
    for line in (FIXTURES / slug / "seen.jsonl").read_text().splitlines():
        said = json.loads(line)
        at_ms = round(said["at"] * 1000) + 1_000_000
        match said["source"]:
            case "hook":
                tracker.hook(said["event"], said["data"], at_ms)
            case "title":
                tracker.title(said["text"], at_ms)
            case "osc":
                tracker.osc(said["text"], at_ms)
            case "screen":
                shown = (screens / f"{said['name']}.txt").read_text()
                tracker.screen(shown, at_ms, is_quiet=said["state"] != "working")
                tracker.pass_time(at_ms)
                seen.append((said["name"], said["state"], tracker.status))
    told = {name: status.state for name, _, status in seen if name != "ready"}
    assert told == {name: state for name, state, _ in seen if name != "ready"}
    (asked,) = [status.question for name, _, status in seen if name == "permission"]
    assert asked is not None
    assert {"allow", "deny"} <= {
        choice.value if hasattr(choice, "value") else choice for choice in asked.choices
    }
    permission = (screens / "permission.txt").read_text()
    assert "made-by-the-agent" in asked.text or "made-by-the-agent" in permission


ASKED = {
    "one": (
        "Which color do you prefer?",
        {"1": "Red", "2": "Blue"},
        ("1", "2", "text", "deny"),
    ),
    "first-of-two": (
        "Which color do you prefer?",
        {"1": "Red", "2": "Blue"},
        ("1", "2", "text", "deny"),
    ),
    "ticked": (
        "Which sizes should there be in the shop, given that every one of them costs space, and that the people who come"
        " mostly\nbuy the small ones?",
        {"1": "[✔] Small", "2": "[ ] Large"},
        ("1", "2", "next", "deny"),
    ),
    "review": (
        "● Which color do you prefer?\n→ Red\n● Which sizes should there be in the shop, given that every one of them"
        " costs space, and that the people who come\nmostly buy the small ones?\n→ Small, Large",
        {"1": "Submit answers", "2": "Cancel"},
        ("1", "2", "text", "deny"),
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_question_of_claude_is_read_with_its_answers(name):
    tracker = Tracker(Rules.of(spec_of("claude")))
    screen = (FIXTURES / "claude" / "questions" / f"{name}.txt").read_text()
    tracker.hook("PreToolUse", HOOK, 1_000_000)
    before = tracker.status.question
    assert before.text == "Which color do you prefer?"
    tracker.screen(screen, 1_000_400, is_quiet=True)
    asked = tracker.status.question
    text, options, choices = ASKED[name]
    assert (asked.text, asked.choices, asked.id) == (text, choices, before.id)
    assert {each.choice: each.label for each in asked.options} == options


def test_a_long_question_of_claude_is_read_whole():
    tracker = Tracker(Rules.of(spec_of("claude")))
    tracker.screen((FIXTURES / "claude/questions/long.txt").read_text(), 1_000_000, is_quiet=True)
    asked = tracker.status.question
    assert asked.text.startswith("Which way should the new storage layer of the server be built,")
    assert asked.text.endswith("\non working with it, and nothing may be lost?")
    assert [each.label for each in asked.options] == [
        f"Option {number} of the storage" for number in range(1, 5)
    ]
    assert asked.choices == ("1", "2", "3", "4", "text", "deny")


def test_a_question_of_claude_has_the_lines_that_it_was_asked_with():
    tracker = Tracker(Rules.of(spec_of("claude")))
    screen = (FIXTURES / "claude/questions/long.txt").read_text()
    tracker.screen(screen, 1_000_000, is_quiet=True)
    text = " ".join(tracker.status.question.text.split())
    said = {"tool_name": "AskUserQuestion", "tool_input": {"questions": [{"question": text}]}}
    tracker.hook("PreToolUse", said | {"session_id": "s"}, 1_000_100)
    tracker.screen(screen, 1_000_400, is_quiet=True)
    assert tracker.status.question.text == text


def test_a_command_that_is_cut_short_says_so():
    tracker = Tracker(Rules.of(spec_of("claude")))
    said = {"tool_name": "Bash", "tool_input": {"command": "echo " * 1000}, "session_id": "s"}
    tracker.hook("PermissionRequest", said, 1_000_000)
    text = tracker.status.question.text
    assert text.endswith("…")
    assert len(text) <= 1000


@pytest.mark.parametrize(
    ("slug", "name", "offers"),
    [
        ("codex", "three", True),
        ("codex", "two", False),  # its second answer is No
        ("codex", "long", True),
        ("claude", "plain", True),
        ("claude", "nested", False),  # its second answer turns on its auto mode
        ("claude", "script", True),
        ("gemini", None, True),
    ],
)
def test_to_allow_for_good_is_offered_where_its_dialog_has_it(slug, name, offers):
    tracker = Tracker(Rules.of(spec_of(slug)))
    place = f"questions/{name}" if name else "screens/permission"
    asks = {"codex": "PermissionRequest", "claude": "PermissionRequest"}.get(slug, "Notification")
    said = {"tool_name": "Bash", "tool_input": {"command": "x"}, "details": {"type": "exec"}}
    tracker.hook(asks, said | {"session_id": "s"}, 1_000_000)
    before = tracker.status.question
    assert before.choices == ("allow", "deny")  # it is not drawn yet
    tracker.screen((FIXTURES / slug / f"{place}.txt").read_text(), 1_000_400, is_quiet=True)
    asked = tracker.status.question
    assert asked.id == before.id
    assert ("allow_always" in asked.choices) is offers
    assert {"allow", "deny"} <= set(asked.choices)


def test_the_next_of_several_questions_of_claude_is_another_one():
    tracker, ids = Tracker(Rules.of(spec_of("claude"))), []
    for at, name in enumerate(["one", "one", "ticked", "review"]):
        screen = (FIXTURES / "claude" / "questions" / f"{name}.txt").read_text()
        tracker.screen(screen, 1_000_000 + at * 1000, is_quiet=True)
        ids.append(tracker.status.question.id)
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@each_program
def test_its_records_add_up_to_what_its_model_counted(slug, tmp_path):
    spec, records = spec_of(slug), FIXTURES / slug / "usage"
    pattern = spec.usage.path.removeprefix("{home}/").replace("{session}", "*")
    place = tmp_path / pattern.replace("**", "x").replace("*", "y")
    place.parent.mkdir(parents=True)
    if slug == "opencode":
        with closing(sqlite3.connect(place)) as database:
            database.executescript((records / "records.sql").read_text())
    else:
        (recorded,) = records.glob("records.*")
        place.write_text(recorded.read_text())
    counted = KINDS[spec.usage.kind](tmp_path, pattern).read()
    sent = json.loads((records / "sent.json").read_text())
    if slug == "aider":  # it rounds to hundreds what it sent
        assert counted.input == pytest.approx(sent["input"], rel=0.5)
        assert counted.output > 0
    else:
        assert (counted.input, counted.output) == (sent["input"], sent["output"])


@each_program
def test_the_version_that_was_recorded_is_within_the_tested_range(slug):
    install = declared(slug)["install"]
    recorded = json.loads((FIXTURES / slug / "launch.json").read_text())["version"]
    assert declarations.is_within(recorded, install["tested"])
    assert install["version"] == recorded
