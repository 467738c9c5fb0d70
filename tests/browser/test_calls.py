"""A person who looks elsewhere is called: by the title of the tab, and by notifications where they want them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.journeys.system import Api, wait

# A headless Chromium shows no notifications, and its pages always have the focus.
ELSEWHERE = """
window.called = [];
window.Notification = class {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title, { body, tag }) { window.called.push([title, body, tag]); }
};
document.hasFocus = () => false;
Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
"""


@pytest.fixture
def elsewhere(open_page: OpenPage) -> Page:
    """A page that wants to call, in a tab that nobody looks at."""
    page = open_page()
    page.locator(".menu summary").click()
    page.evaluate(ELSEWHERE)
    button = page.locator("[data-notify]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.wait_for_selector("#calls[data-known]", state="attached")
    return page


def test_who_looks_elsewhere_is_called_once_for_each_thing_and_the_title_counts(
    elsewhere: Page, api: Api
):
    key = api.run("cat", name="builder")
    api.becomes(key, "running")
    says(api, key, "waiting", "Which database?")
    expect(elsewhere).to_have_title(re.compile(r"^\(\d+\) Pods"))
    until_called(elsewhere, 1)
    says(api, key, "working", "on it")
    says(api, key, "done", "The tests pass.")
    until_called(elsewhere, 2)
    assert [call[:2] for call in elsewhere.evaluate("called")] == [
        ["builder", "Which database?"],
        ["builder", "The tests pass."],
    ]
    api.terminate(key)


def test_who_looks_at_the_page_is_not_called(elsewhere: Page, api: Api):
    elsewhere.evaluate("document.hasFocus = () => true; delete document.hidden")
    key = api.run("cat", name="builder")
    api.becomes(key, "running")
    says(api, key, "waiting", "Which table?")
    elsewhere.wait_for_selector(f"#calls [data-id^='{key}']", state="attached")
    assert elsewhere.evaluate("called") == []
    api.terminate(key)


def until_called(page: Page, times: int) -> None:
    wait(lambda: len(page.evaluate("called")) == times, lambda: page.evaluate("called"))


def says(api: Api, key: str, status: str, text: str) -> None:
    argv = ["mesh", "call", "report_status", f"status={status}", f"text={text}"]
    answer = api.post(f"pods/{key}/execute/", {"argv": argv, "timeout_s": 60})
    assert answer["exit_code"] == 0, answer
