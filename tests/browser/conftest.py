"""A whole Mesh and a Chromium that looks at it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.journeys.system import Api, System

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE = {"width": 390, "height": 844}

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They run one after the other: tests/conftest.py."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if not found:
        pytest.skip("no Chromium here: install chromium, then the pages are tested too")
    return found


@pytest.fixture(scope="session")
def system(chromium: str) -> Iterator[System]:
    system = System()
    try:
        system.start()
        yield system
    finally:
        system.close()


@pytest.fixture
def api(system: System) -> Api:
    return system.api


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Not for the session: while it is there, its event loop runs in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def login(system: System, browser: Browser) -> str:
    """The cookies of one who came by the link that `up` printed; the path of their file."""
    kept = system.directory / "cookies.json"
    if not kept.exists():
        context = browser.new_context()
        page = context.new_page()
        page.goto(system.run_file["login_url"])
        page.wait_for_selector("#board")
        context.storage_state(path=kept)
        context.close()
    return str(kept)


@pytest.fixture
def open_page(system: System, browser: Browser, login: str) -> Iterator[OpenPage]:
    """Opens a page, for a person who is signed in. What its scripts complained of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(path: str = "/", *, phone: bool = False, signed_in: bool = True) -> Page:
        shape = {"viewport": PHONE, "is_mobile": True, "has_touch": True} if phone else {}
        context = browser.new_context(storage_state=login if signed_in else None, **shape)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: _listen(said.type, said.text, complaints))
        page.goto(system.run_file["url"] + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


PASSING = ("Failed to load resource", "WebSocket connection", "htmx: htmx:error: Failed to fetch")


def _listen(kind: str, text: str, complaints: list[str]) -> None:
    """Answers that are errors, and connections that break, are what some tests are about."""
    if kind == "error" and not text.startswith(PASSING):
        complaints.append(text)
