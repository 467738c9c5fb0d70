"""What a person does in Channels, with the inbox and on the map, while agents talk."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.journeys.system import Api

PAGES = ["/channels/", "/channels/room/", "/inbox/", "/map/"]


@pytest.fixture
def agent(api: Api) -> str:
    """A Pod that is there while others look."""
    key = api.run("cat", name="helper")
    api.becomes(key, "running")
    return key


@pytest.fixture
def room(api: Api) -> str:
    """A Channel with something in it; several tests use it."""
    found = api.get("channels/")["results"]
    if not any(each["slug"] == "room" for each in found):
        api.post("channels/", {"name": "room", "topic": "what the tests talk about"})
        api.post("channels/room/messages/", {"body": "the **first** message"})
    return "room"


def tool(api: Api, pod: str, name: str, *arguments: str) -> None:
    argv = ["mesh", "call", name, *arguments]
    answer = api.post(f"pods/{pod}/execute/", {"argv": argv, "timeout_s": 60})
    assert answer["exit_code"] == 0, answer


def write(page: Page, text: str) -> None:
    page.locator("#body").press_sequentially(text)


@pytest.mark.parametrize("phone", [False, True])
def test_pages_run_without_complaint_and_fit_their_window(open_page: OpenPage, system, room, phone):
    page = open_page(phone=phone)
    for path in PAGES:
        page.goto(system.run_file["url"] + path)
        expect(page.locator("main h1").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_what_is_posted_appears_and_what_an_agent_says_comes_without_a_reload(
    open_page: OpenPage, api, room, agent
):
    page = open_page("/channels/room/")
    page.evaluate("window.isTheSamePage = true")
    write(page, "Who is *there*?")
    page.keyboard.press("Enter")
    expect(page.locator("#messages article").last).to_contain_text("Who is there?")
    expect(page.locator("#body")).to_have_value("")
    tool(api, agent, "publish_to_channel", "channel=room", "body=I am")
    last = page.locator("#messages article").last
    expect(last).to_contain_text("I am")
    expect(last.locator(".author")).to_have_text("helper")
    assert page.evaluate("window.isTheSamePage")
    api.terminate(agent)


def test_a_message_that_was_refused_stays_in_the_box(open_page: OpenPage, api, room):
    page = open_page("/channels/room/")
    api.post("channels/", {"name": "closed"})
    page.goto(page.url.replace("room", "closed"))
    api("POST", "channels/closed/archive/", {})
    write(page, "too late")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("archived")
    expect(page.locator("#body")).to_have_value("too late")


def test_an_at_offers_names_and_a_called_pod_gets_it_typed(open_page: OpenPage, api, room, agent):
    page = open_page("/channels/room/")
    write(page, "@help")
    expect(page.locator("#names [role=option]").first).to_contain_text("helper")
    page.keyboard.press("Enter")
    expect(page.locator("#body")).to_have_value(f"@{agent} ")
    write(page, "look at this")
    page.keyboard.press("Enter")
    last = page.locator("#messages article").last
    expect(last.locator(".mention")).to_have_attribute("href", f"/pods/{agent}/")
    expect(last.locator(".receipts")).to_contain_text("typed into its prompt", timeout=30_000)
    api.terminate(agent)


def test_one_edits_and_deletes_in_place(open_page: OpenPage, room):
    page = open_page("/channels/room/")
    write(page, "with a tpyo")
    page.keyboard.press("Enter")
    mine = page.locator("#messages article").last
    expect(mine).to_contain_text("tpyo")
    mine.hover()
    mine.get_by_role("button", name="Edit").click()
    page.locator("form.edit textarea").fill("without one")
    page.get_by_role("button", name="Save").click()
    expect(mine).to_contain_text("without one")
    expect(mine).to_contain_text("edited")
    mine.hover()
    mine.get_by_role("button", name="Delete").click()
    page.locator("#ask-yes").click()
    expect(page.locator("#messages article").last).to_contain_text("Deleted by its author")


def test_looking_moves_the_cursor_and_empties_the_count(open_page: OpenPage, api, room, agent):
    page = open_page("/channels/")
    tool(api, agent, "publish_to_channel", "channel=room", "body=news for all")
    expect(page.locator("#room-room .count")).to_be_visible()
    expect(page.locator("#count-channels")).to_be_visible()
    page.locator("#room-room a").click()
    expect(page.locator("#unread-line")).to_be_visible()
    expect(page.locator("#count-channels")).to_be_hidden()
    api.terminate(agent)


def test_two_writers_of_the_document_lose_nothing(open_page: OpenPage, api, room):
    page = open_page("/channels/room/")
    page.locator("#document button").click()
    page.fill("#document-text", "# Mine")
    version = api.get("channels/room/document/")["version"]
    theirs = {"text": "# Theirs", "version": version}
    assert api("PUT", "channels/room/document/", theirs).status == 200
    page.locator("#document").get_by_role("button", name="Save").click()
    expect(page.locator("#document .errors")).to_contain_text("while you wrote")
    expect(page.locator("#document .theirs")).to_contain_text("Theirs")
    expect(page.locator("#document-text")).to_have_value("# Mine")
    page.locator("#document").get_by_role("button", name="Save").click()
    expect(page.locator("#document .prose h1")).to_have_text("Mine")


def test_a_pod_that_waits_is_answered_from_the_inbox(open_page: OpenPage, api, agent):
    page = open_page("/inbox/")
    tool(api, agent, "report_status", "status=waiting", "text=Which colour?")
    item = page.locator(f"#waiting-{agent}")
    expect(item).to_contain_text("Which colour?")
    expect(page.locator("#count-inbox")).to_be_visible()
    item.locator("input[name=text]").fill("blue")
    item.get_by_role("button", name="Answer").click()
    expect(page.locator("#toasts")).to_contain_text("Typed into helper")
    page.goto(page.url.replace("/inbox/", f"/pods/{agent}/"))
    page.locator("summary", has_text="Who typed what").click()
    expect(page.locator("#pod-typed")).to_contain_text("blue")
    api.terminate(agent)


def test_the_map_draws_who_made_whom_and_follows(open_page: OpenPage, api, room, agent):
    page = open_page("/map/")
    expect(page.locator(f'[data-id="pod:{agent}"]')).to_be_visible()
    tool(api, agent, "create_pod", "agent_type=custom", 'argv=["cat"]', "name=child of helper")
    edge = page.locator(f'path.edge.made[data-from="pod:{agent}"]')
    expect(edge).to_have_count(1)
    expect(page.locator(f'path.edge.drives[data-from="pod:{agent}"]')).to_have_count(1)
    expect(page.locator("#map-list")).to_contain_text("child of helper")
    page.locator(f'[data-id="pod:{agent}"]').click()
    page.wait_for_url(re.compile(f"/pods/{agent}/$"))
    api.terminate(agent)
