"""Every page meets the rules for WCAG A and AA that a program can check, in both themes."""

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.resolvers import RoutePattern
from playwright.sync_api import Page, expect

from tests.browser.axe import check
from tests.browser.conftest import OpenPage
from tests.browser.scene import Scene, scene_in
from tests.journeys.system import System

PAGES = {  # with what shows that all of it has come
    "/": ".card.calls .asks-line",
    "/?archived=1": ".card",
    "/?q=nothing-has-this-name": ".empty",
    "/pods/new/": "#pod-form",
    "/pods/{asks}/": "#pod-bindings .primary",
    "/pods/{failed}/": "#pod-prompts p",
    "/pods/{changed}/": "#pod-workspace .changes",
    "/pods/{changed}/review/": "[data-comment]",
    "/pods/{changed}/review/?view=split": "table.split",
    "/inbox/": "#inbox-requests",
    "/channels/": "#room-hall",
    "/channels/hall/": "#messages article",
    "/map/": ".map .node",
    "/runners/": "#runners table",
    "/repositories/": "main table",
    "/repositories/sample/": "#id_setup_script",
    "/agent-types/": "#agent-types",
    "/agent-types/new/": "#declaration",
    "/agent-types/claude/": "main h1",
    "/keys/": "#credentials table",
    "/keys/{set}/": "#id_api_key",
    "/organization/": "#invitations",
    "/join/{invitation}/": "#id_password2",
    "/tokens/": "#tokens table",
    "/sign-in/": "#id_username",
    "/login/used-up/": "main a.button",
    "/nothing/here/": "main h1",
}
OF_STRANGERS = ("/sign-in/", "/login/used-up/", "/join/{invitation}/")
OTHERS = ("admin/", "api/", "metrics", "healthz", "readyz", ".well-known/")
"""Pages of packages, and what programs read."""


pytestmark = pytest.mark.timeout(240)  # the first one waits for the system and the scene


@pytest.fixture(scope="module")
def scene(system: System) -> Iterator[Scene]:
    with scene_in(system) as scene:
        yield scene


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_fault(open_page: OpenPage, scene: Scene, path: str) -> None:
    page = open_page(scene.path(path), signed_in=path not in OF_STRANGERS)
    expect(page.locator(PAGES[path]).first).to_be_visible()
    check(page)


def test_what_opens_over_a_page_has_none(open_page: OpenPage, scene: Scene) -> None:
    page = open_page("/tokens/")
    for key, shown in (("Control+k", "#go-pods"), ("?", "#help"), ("n", "#pod-prompt")):
        page.keyboard.press(key)
        expect(page.locator(shown)).to_be_visible()
        check(page)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator("summary.button").click()
    check(page)
    page.get_by_role("button", name="Revoke").first.click()
    expect(page.locator("#ask")).to_be_visible()
    check(page)


def test_a_look_at_a_pod_has_none(open_page: OpenPage, scene: Scene) -> None:
    page = open_page()
    page.keyboard.press("j")
    expect(page.locator("#peek .last-lines pre")).to_be_visible()
    check(page)


def test_what_is_shown_once_has_none(open_page: OpenPage) -> None:
    page = open_page("/runners/")
    page.get_by_role("button", name="Add a Runner").click()
    expect(page.locator("#enroll-line")).to_be_visible()
    check(page)
    page.goto(page.url.replace("/runners/enroll/", "/organization/"))
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("#join-link")).to_be_visible()
    check(page)
    page.goto(page.url.replace("/organization/invite/", "/tokens/"))
    page.get_by_role("button", name="Create token").click()
    expect(page.locator(".error")).to_be_visible()
    check(page)
    page.fill("#id_name", "of the scene")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#secret")).to_be_visible()
    check(page)


def test_every_page_is_among_them(open_page: OpenPage, scene: Scene) -> None:
    listed = {
        resolve(scene.path(path).split("?")[0]).route for path in PAGES if "nothing/" not in path
    }
    page = open_page()
    forgotten = [
        route
        for route in _routes()
        if route not in listed and _is_page(page, scene, "/" + _filled(route, scene))
    ]
    assert forgotten == []


def _routes() -> Iterator[str]:
    """What a regular expression names is something done, by POST alone."""

    def below(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
        for each in patterns:
            path = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from below(each.url_patterns, path)
            elif isinstance(each.pattern, RoutePattern) and not path.startswith(OTHERS):
                yield path

    yield from below(get_resolver().url_patterns)


def _filled(route: str, scene: Scene) -> str:
    slug = {"channels": "hall", "repositories": "sample", "agent-types": "claude"}
    values = {
        "<slug:key>": scene.names["changed"],
        "<slug:slug>": slug.get(route.split("/", maxsplit=1)[0], ""),
        "<str:secret>": "used-up",
        "<int:number>": "1",
        "<int:set_id>": scene.names["set"],
    }
    for name, value in values.items():
        route = route.replace(name, value)
    return route


def _is_page(page: Page, scene: Scene, path: str) -> bool:
    answer = page.request.get(scene.system.run_file["url"] + path)
    return answer.ok and answer.text().lstrip().startswith("<!doctype html>")
