"""The daily loop: an agent needs a person, is looked at, answered, and the next one comes; prompts wait and arrive.

The agents are programs in real Pods that give the signs of Claude Code as they were recorded.
"""

import re
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.journeys.system import Api, wait
from tests.runner_agent.agents import imitation

TYPES = Path(__file__).parents[2] / "pods" / "agent_types"
QUESTION = Path(__file__).parents[1] / "agents" / "fixtures" / "claude" / "questions" / "long.txt"
SIGNS = ("ready", "prompt", "status", "answers", "interrupt")


@pytest.fixture(scope="module")
def _imitation(system) -> None:
    """An agent type with Claude Code's signs, launched as its imitation."""
    held = tomllib.loads((TYPES / "claude.toml").read_text())
    declaration = {
        "slug": "imitation",
        "name": "Imitation",
        "launch": {"argv": ["python3", "{files}/imitation.py"]},
        "files": [
            {"path": "{files}/imitation.py", "content": Path(imitation.__file__).read_text()}
        ],
        **{name: held[name] for name in SIGNS if name in held},
        "usage": {"kind": "claude", "path": "{home}/.claude/projects/*/conversation-1.jsonl"},
    }
    system.api.post("agent-types/", {"declaration": declaration})


@pytest.fixture
def start(api: Api, _imitation: None):
    """Pods of that type, each begun with a prompt and watched until its agent does what is expected."""
    made: list[str] = []

    def begin(name: str, prompt: str, doing: str) -> str:
        key = api.create(agent_type="imitation", name=name, prompt=prompt)
        made.append(key)
        does(api, key, doing)
        return key

    yield begin
    for key in made:
        api.terminate(key)


def does(api: Api, key: str, state: str) -> None:
    def pod() -> dict[str, object]:
        return dict(api.get(f"pods/{key}/"))

    wait(lambda: pod()["agent_state"] == state, pod)


def prompts(api: Api, key: str) -> list[tuple[str, str]]:
    found = api.get(f"pods/{key}/prompts/")["results"]
    return [(each["text"], each["state"]) for each in reversed(found)]


def asks(page: Page, key: str) -> None:
    expect(page.locator("#group-needs-you").locator(f"#card-{key}")).to_be_visible()


def test_what_waits_is_looked_at_and_answered_by_key_and_the_next_one_comes(
    open_page: OpenPage, api: Api, start
):
    first = start("clean the build", "ask", "waiting")
    second = start("clean it, too", "ask", "waiting")
    page = open_page()
    asks(page, first)
    asks(page, second)
    expect(page).to_have_title(re.compile(r"^\(2\) Pods · Mesh$"))
    page.keyboard.press("j")
    peek = page.locator("#peek")
    expect(peek.locator(".asks-text")).to_contain_text("rm -rf build")
    expect(peek).to_contain_text("clean the build")  # who waits longest comes first
    expect(peek.locator(".last-lines")).to_contain_text("Do you want to proceed?")
    page.keyboard.press("a")
    expect(peek).to_contain_text("clean it, too")
    expect(page.locator("#group-idle").locator(f"#card-{first}")).to_be_visible()
    page.keyboard.press("d")
    expect(page.locator("#toasts")).to_contain_text("Nothing else waits for you.")
    expect(page.locator("#group-idle").locator(f"#card-{second}")).to_be_visible()
    expect(page).to_have_title("Pods · Mesh")
    expect(page.locator(f"#card-{first}")).to_contain_text("tokens")
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    expect(page.locator(f"#open-{second}")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/pods/{second}/")
    assert "read 'ask'" in api.get(f"pods/{first}/screen/")["text"]
    assert "not done" in api.get(f"pods/{second}/screen/")["text"]


def test_the_same_by_finger_on_a_phone(open_page: OpenPage, api: Api, start):
    key = start("clean by finger", "ask", "waiting")
    page = open_page(phone=True)
    page.locator(f"#card-{key}").get_by_role("button", name="Look").tap()
    peek = page.locator("#peek")
    expect(peek.locator(".asks-text")).to_contain_text("rm -rf build")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    peek.get_by_role("button", name="Deny").tap()
    expect(page.locator("#group-idle").locator(f"#card-{key}")).to_be_visible()
    peek.get_by_role("button", name="Close").tap()
    expect(peek).to_be_hidden()


def test_prompts_wait_while_it_works_are_rearranged_and_arrive_in_order(
    open_page: OpenPage, api: Api, start
):
    key = start("a long turn", "slow", "working")
    page = open_page(f"/pods/{key}/")
    box = page.locator("#side").get_by_label("A prompt for this agent")
    for text in ("one", "two", "three"):
        box.fill(text)
        box.press("Control+Enter")
        expect(page.locator("#pod-prompts .queue .prompt-text").last).to_have_text(text)
        expect(box).to_have_value("")
    waiting = page.locator("#pod-prompts .queue li")
    expect(page.locator("#pod-prompts")).to_contain_text(
        "when the agent is idle; now it is working"
    )
    waiting.nth(2).get_by_role("button", name="Earlier").click()
    expect(waiting.nth(1)).to_contain_text("three")
    waiting.nth(1).drag_to(waiting.nth(0), target_position={"x": 20, "y": 4})
    expect(waiting.nth(0)).to_contain_text("three")
    waiting.nth(1).locator("summary", has_text="Edit").click()
    waiting.nth(1).locator("textarea").fill("eins\nund mehr")
    waiting.nth(1).get_by_role("button", name="Save").click()
    expect(waiting.nth(1).locator(".prompt-text")).to_have_text("eins\nund mehr")
    waiting.nth(2).get_by_role("button", name="Take back").click()
    expect(waiting).to_have_count(2)
    page.get_by_role("button", name="Interrupt").click()
    arrived = [
        ("slow", "started"),
        ("eins\nund mehr", "started"),
        ("two", "cancelled"),
        ("three", "started"),
    ]
    wait(lambda: prompts(api, key) == arrived, lambda: prompts(api, key))
    expect(waiting).to_have_count(0)
    sent = page.locator("#pod-prompts .sent li.prompt", has_text="eins")
    expect(sent).to_contain_text("Taken up")
    sent.locator("summary", has_text="Receipts").click()
    expect(sent.locator(".receipts")).to_contain_text("UserPromptSubmit")
    screen = api.output(key).decode()
    assert screen.index("read 'three'") < screen.index("read 'eins\\nund mehr'")
    assert "read 'two'" not in screen


def test_the_question_is_answered_on_its_own_page_too(open_page: OpenPage, api: Api, start):
    key = start("asks on its page", "ask", "waiting")
    page = open_page(f"/pods/{key}/")
    asked = page.locator("#pod-asks")
    expect(asked).to_contain_text("rm -rf build")
    page.locator("#pod-doing summary").click()
    expect(page.locator("#pod-doing")).to_contain_text("PermissionRequest")
    asked.get_by_role("button", name="Allow").click()
    expect(asked).to_be_empty()
    expect(page.locator("#pod-line")).to_contain_text("Idle")
    expect(page.locator("#pod-events")).to_contain_text("allowed")


@pytest.fixture(scope="module")
def long_question(system):
    """A Pod that asks one with four long options."""
    api = system.api
    held = tomllib.loads((TYPES / "claude.toml").read_text())
    text = QUESTION.read_text().replace("of the storage", "of the storage, as people " * 3)
    declaration = {
        "slug": "asks",
        "name": "Asks",
        "launch": {"argv": ["sh", "-c", 'cat "$1"; exec cat', "sh", "{files}/question.txt"]},
        "files": [{"path": "{files}/question.txt", "content": text}],
        **{name: held[name] for name in SIGNS if name in held},
    }
    api.post("agent-types/", {"declaration": declaration})
    key = api.create(agent_type="asks", name="which storage", cols=160, rows=50)
    does(api, key, "waiting")
    yield key
    api.terminate(key)


@pytest.mark.parametrize("phone", [False, True])
def test_long_options_are_read_whole_and_none_stands_beside_deny(
    open_page: OpenPage, long_question: str, phone
):
    page = open_page(phone=phone)
    page.locator(f"#card-{long_question}").get_by_role("button", name="Look").click()
    for place in (page.locator("#peek"), page.locator(f"#card-{long_question}")):
        room = _box(place)
        options = place.get_by_role("button", name=re.compile("^Option . of"))
        expect(options).to_have_count(4)
        deny = _box(place.get_by_role("button", name=re.compile("^Deny")))
        for option in map(_box, options.all()):
            assert option["x"] + option["width"] <= room["x"] + room["width"]
            assert option["y"] + option["height"] <= deny["y"]


def _box(place: Locator) -> FloatRect:
    box = place.bounding_box()
    assert box
    return box
