"""Reading a Pod's changes: by keyboard, with ticks that go stale, comments sent as one prompt, and an undo."""

import re

import pytest
from playwright.sync_api import Page, expect

CHANGE = "\n".join(
    [
        "for n in 1 2 3; do seq 1 60 > file-$n.txt; done",
        "echo changed > README.md",
        "git add -A && git commit -qm 'All of it'",
    ]
)


@pytest.fixture
def pod(api) -> str:
    key = api.run("cat", repository="sample", name="to be reviewed")
    api.becomes(key, "running")
    api.execute(key, CHANGE)
    return key


def file(page: Page, path: str):
    return page.locator(f'[data-file][data-path="{path}"]')


def test_files_are_read_and_ticked_by_keyboard(open_page, pod, api):
    page = open_page(f"/pods/{pod}/review/")
    expect(page.locator("[data-file]")).to_have_count(4)
    page.keyboard.press("j")
    expect(file(page, "README.md")).to_have_class(re.compile("is-here"))
    page.keyboard.press("x")
    expect(file(page, "README.md")).to_have_class(re.compile("is-reviewed"))
    expect(page.locator("#reviewed-count")).to_have_text("1")
    expect(file(page, "README.md").locator(".rcode")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(file(page, "file-1.txt")).to_have_class(re.compile("is-here"))
    page.keyboard.press("u")
    page.wait_for_url("**view=split*")
    expect(page.locator("table.split").first).to_be_attached()
    expect(file(page, "README.md")).to_have_class(re.compile("is-reviewed"))
    api.execute(pod, "echo once more > README.md")
    expect(page.locator("#changed-since")).to_be_visible(timeout=20_000)
    page.locator("#changed-since a").click()
    expect(file(page, "README.md")).to_have_class(re.compile("is-stale"))
    expect(file(page, "README.md").locator(".stale")).to_be_visible()


def test_a_line_is_commented_by_keyboard(open_page, pod):
    page = open_page(f"/pods/{pod}/review/?view=unified")
    expect(file(page, "file-1.txt")).to_be_visible()
    for key in ("j", "j", "l", "ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.keyboard.type("Why 2?")
    page.keyboard.press("Control+Enter")
    said = file(page, "file-1.txt").locator("[data-comment]")
    expect(said).to_contain_text("Why 2?")
    expect(said).to_have_attribute("data-line", "new:2")


def test_comments_are_gathered_and_sent_as_one_prompt(open_page, pod, api):
    page = open_page(f"/pods/{pod}/review/?view=unified")
    for line in (3, 5):
        file(page, "file-1.txt").locator(f'[data-say="new:{line}"]').click()
        page.locator(".talk textarea").fill(f"Why {line}?")
        page.locator(".talk form .primary").click()
        expect(page.locator("[data-comment]").filter(has_text=f"Why {line}?")).to_be_visible()
    expect(page.locator("#comment-count")).to_have_text("2")
    page.reload()
    expect(page.locator(".talk [data-comment]")).to_have_count(2)
    page.locator("[data-take-back]").last.click()
    expect(page.locator("#comment-count")).to_have_text("1")
    page.locator("#send-bar button").click()
    expect(page.locator("#review-text")).to_have_value(
        re.compile(r"file-1\.txt:\n- line 3 `3`: Why 3\?")
    )
    page.locator("[data-send] .primary").click()
    expect(page.locator(".toast")).to_contain_text("Sent as prompt 1")
    expect(page.locator("#send-bar")).to_be_hidden()
    assert "Why 3?" in api.get(f"pods/{pod}/prompts/")["results"][0]["text"]


@pytest.mark.parametrize("view", ["unified", "split"])
def test_a_review_fits_a_phone(open_page, pod, view):
    page = open_page(f"/pods/{pod}/review/?view={view}", phone=True)
    expect(page.locator("[data-file]").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_work_is_committed_from_the_pods_page_and_the_pod_archived_with_an_undo(
    open_page, pod, api
):
    api.execute(pod, "echo more > more.txt")
    page = open_page(f"/pods/{pod}/")
    page.locator("summary", has_text="Commit…").click()
    page.fill("#commit-message", "From the page")
    page.click("text=Commit all changes")
    expect(page.locator(".toast")).to_contain_text("Committed 1 file")
    assert api.get(f"pods/{pod}/workspace/log/")["commits"][0]["subject"] == "From the page"
    api.terminate(pod)
    page.locator("#pod-actions >> text=Archive").click()
    page.wait_for_selector("#board")
    expect(page.locator(f"#card-{pod}")).to_have_count(0)
    page.click(".toast .undo")
    page.wait_for_url(f"**/pods/{pod}/")
    assert api.get(f"pods/{pod}/")["archived_at"] is None
