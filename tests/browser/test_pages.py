"""What a person does with the pages, by mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE

PAGES = [
    "/",
    "/pods/new/",
    "/runners/",
    "/repositories/",
    "/tokens/",
    "/organization/",
    "/agent-types/",
    "/agent-types/claude/",
    "/keys/",
]


WIDTHS = (1280, 900, 740)  # a screen, half of one, a tablet


@pytest.mark.parametrize("phone", [False, True])
def test_pages_run_without_complaint_and_fit_their_window(open_page, system, phone):
    page = open_page(phone=phone)
    for path in PAGES:
        page.goto(system.run_file["url"] + path)
        expect(page.locator("main h1").first).to_be_visible()
        for width in [PHONE["width"]] if phone else WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                path,
                width,
            )


def test_n_opens_the_form_and_ctrl_enter_starts_a_pod_whose_terminal_opens(open_page):
    page = open_page()
    page.keyboard.press("n")
    expect(page.locator("#pod-prompt")).to_be_focused()
    page.select_option("#pod-agent", "custom")
    page.fill("#pod-command", "cat")
    page.fill("#pod-name", "from the keyboard")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/pods/pod-*/")
    expect(page.locator("#driver-words")).to_have_text(re.compile("Nobody drives|You drive"))
    expect(page.locator("#pod-line")).to_contain_text("Running")


def test_what_is_wrong_is_said_in_the_dialog_and_nothing_typed_is_lost(open_page):
    page = open_page()
    page.keyboard.press("n")
    page.fill("#pod-prompt", "kept")
    page.select_option("#pod-agent", "custom")
    page.fill("#pod-command", "echo 'open")
    page.click("text=Start Pod")
    expect(page.locator("dialog .error")).to_contain_text("not a command line")
    assert page.input_value("#pod-prompt") == "kept"
    assert page.locator("dialog#new-pod").evaluate("it => it.open")


def test_the_board_follows_a_pod_without_a_reload(open_page, api):
    page = open_page()
    page.evaluate("window.isTheSamePage = true")
    key = api.create(name="seen live")
    card = page.locator(f"#card-{key}")
    expect(card).to_contain_text("Running")
    link = page.locator(f"#open-{key}")
    link.focus()
    api.terminate(key)
    expect(card).to_contain_text("Terminated")
    expect(link).to_be_focused()
    assert page.evaluate("window.isTheSamePage")


def test_j_k_enter_and_escape_go_through_the_cards(open_page, api):
    keys = [api.run("cat", name=name) for name in ("one", "two")]
    for key in keys:
        api.becomes(key, "running")
    page = open_page()
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.id")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == first
    page.keyboard.press("Enter")
    page.wait_for_url("**/pods/pod-*/")
    page.locator("#fold").focus()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/$"))
    for key in keys:
        api.terminate(key)


def test_the_palette_finds_a_pod_by_a_word_of_its_name(open_page, api):
    key = api.run("cat", name="needle in here")
    page = open_page("/runners/")
    page.keyboard.press("Control+k")
    page.keyboard.type("needle")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("needle in here")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/pods/{key}/")
    api.terminate(key)


def test_search_and_help_have_their_keys(open_page):
    page = open_page()
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("no such pod")
    expect(page.locator("#board")).to_contain_text("No Pod matches")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_adding_a_runner_shows_the_line_to_paste(open_page):
    page = open_page("/runners/")
    page.click("text=Add a Runner")
    expect(page.locator("#enroll-line")).to_contain_text("enroll --server http")
    expect(page.locator("#joining")).to_contain_text("Waiting for it")


def test_revoking_asks_first(open_page):
    page = open_page("/tokens/")
    page.fill("#id_name", "short-lived")
    page.click("text=Create token")
    expect(page.locator("#secret")).to_contain_text("mesh_")
    page.evaluate("document.querySelector('#tokens').dispatchEvent(new Event('refresh'))")
    row = page.locator("tr", has_text="short-lived")
    row.get_by_text("Revoke").click()
    page.click("#ask [data-cancel]")
    expect(row).to_be_visible()
    row.get_by_text("Revoke").click()
    page.click("#ask-yes")
    expect(row).to_have_count(0)
    expect(page.locator("#secret")).to_be_visible()  # shown once, so no refresh takes it away


def test_the_chosen_theme_stays(open_page):
    page = open_page()
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("summary.button")
    page.click("[data-theme-toggle] >> visible=true")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


CLOSE_AND_PRESS = """
document.getElementById("palette").close();
document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
"""


def test_a_letter_right_after_a_dialog_closed_is_not_written_into_it(open_page):
    """Until the next picture is drawn, its field still holds the focus."""
    page = open_page("/tokens/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette input")).to_be_focused()
    page.evaluate(CLOSE_AND_PRESS)
    expect(page.locator("#help")).to_be_visible()
