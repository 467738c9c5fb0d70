"""The terminal in a browser: what is typed and shown, through breaks, with several windows, on a phone."""

import re
from contextlib import suppress
from urllib.error import URLError

import pytest
from playwright.sync_api import expect

from tests.journeys.system import wait


@pytest.fixture
def pod(api):
    """A shell with a short prompt."""
    key = api.run("sh", name="terminal")
    api.becomes(key, "running")
    yield key
    api.terminate(key)


def steering(page):
    """Wait until keys reach the program."""
    expect(page.locator("#driver-words")).to_have_text(re.compile("Nobody drives|You drive"))
    page.locator("#screen").click()
    return page


def shows(api, key, text):
    """The Runner's own screen says what came through."""
    seen = ""

    def is_there():
        nonlocal seen
        with suppress(URLError):  # web is just being started again
            seen = api.get(f"pods/{key}/screen/")["text"]
            return text in seen

    wait(is_there, lambda: f"the screen shows {seen.strip()!r}")


def test_what_is_typed_reaches_the_program_and_the_typist_drives(open_page, api, pod):
    page = steering(open_page(f"/pods/{pod}/"))
    page.keyboard.type("echo mark-$((20 + 1))\n")
    shows(api, pod, "mark-21")
    expect(page.locator("#driver-words")).to_have_text("You drive")


def test_the_program_gets_the_size_of_the_window_it_is_driven_from(open_page, api, pod):
    page = steering(open_page(f"/pods/{pod}/"))
    page.keyboard.type("true\n")
    page.set_viewport_size({"width": 1000, "height": 500})
    size = page.locator("#size-words")
    wait(lambda: api.get(f"pods/{pod}/screen/")["cols"] == int(size.inner_text().split()[0]))


def test_a_question_of_the_program_is_answered_once_with_two_windows_open(open_page, api):
    ask = "stty -icanon -echo min 0 time 20; printf '\\033[6n'; cat | od -An -c; echo over"
    key = api.run("sh", "-c", f"read started; {ask}; cat")
    api.becomes(key, "running")
    one, _other = steering(open_page(f"/pods/{key}/")), steering(open_page(f"/pods/{key}/"))
    one.keyboard.type("\n")
    shows(api, key, "over")
    assert api.get(f"pods/{key}/screen/")["text"].count("R") == 1
    api.terminate(key)


def test_nothing_is_lost_or_doubled_when_web_is_killed_meanwhile(open_page, api, pod, system):
    page = steering(open_page(f"/pods/{pod}/"))
    page.keyboard.type("i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo n-$i; sleep 0.1; done\n")
    shows(api, pod, "n-3")
    system.kill("web")
    expect(page.locator("#link-notice")).to_be_hidden()
    shows(api, pod, "n-60")
    page.locator("#find").click()
    page.fill("#finder-words", "n-")
    expect(page.locator("#finder-count")).to_have_text(re.compile("of 61$"))  # and the line typed
    page.locator("#finder-close").click()
    steering(page).keyboard.type("echo typed-$((40 + 2))\n")
    shows(api, pod, "typed-42")


def test_a_paste_of_many_lines_is_asked_about_unless_the_program_takes_it_whole(
    open_page, api, pod
):
    page = steering(open_page(f"/pods/{pod}/"))
    paste = """text => { const data = new DataTransfer(); data.setData('text/plain', text);
      document.querySelector('.xterm-helper-textarea').dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })) }"""
    page.evaluate(paste, "echo pasted-$((1 + 1))\necho second\n")
    expect(page.locator("#ask")).to_contain_text("Paste 2 lines?")
    page.keyboard.press("Escape")
    page.keyboard.type("\necho after\n")
    shows(api, pod, "after")
    assert "pasted-2" not in api.get(f"pods/{pod}/screen/")["text"]


def test_an_ended_pod_still_shows_what_it_wrote(open_page, api):
    key = api.run("sh", "-c", "echo last words; exit 3")
    api.becomes(key, "failed")
    page = open_page(f"/pods/{key}/")
    expect(page.locator("#driver-words")).to_contain_text("Ended")
    expect(page.locator("#pod-line")).to_contain_text("exit 3")
    page.locator("#find").click()
    page.fill("#finder-words", "last words")
    expect(page.locator("#finder-count")).to_have_text(re.compile("of 1$"))


def test_terminating_asks_and_the_page_follows_to_the_end(open_page, api):
    key = api.run("cat")
    api.becomes(key, "running")
    page = open_page(f"/pods/{key}/")
    page.get_by_role("button", name="Terminate").click()
    page.click("#ask-yes")
    expect(page.locator("#pod-line")).to_contain_text("Terminated")
    expect(page.get_by_role("button", name="Terminate")).to_have_count(0)


def test_keys_and_box_go_with_the_program_that_read_them(open_page, api, pod):
    page = open_page(f"/pods/{pod}/", phone=True)
    expect(page.locator("#touch")).to_be_visible()
    api.terminate(pod)
    expect(page.locator("#touch")).to_be_hidden()


def test_a_phone_has_keys_and_a_box_to_write_in(open_page, api, pod):
    page = open_page(f"/pods/{pod}/", phone=True)
    expect(page.locator("#driver-words")).to_have_text(re.compile("Nobody drives|You drive"))
    page.fill("#compose-text", "echo from-a-$((1 + 0))-phone; cat")
    page.locator("#compose button").tap()
    shows(api, pod, "from-a-1-phone")
    page.locator("[data-key=ctrl]").tap()
    page.locator("#screen").tap()
    page.keyboard.type("c")
    page.fill("#compose-text", "echo the-shell-is-$((0 + 8))")
    page.locator("#compose button").tap()
    shows(api, pod, "the-shell-is-8")


def test_what_is_written_on_a_phone_stays_there_until_it_can_be_sent(open_page, api):
    key = api.create(labels={"place": "nowhere"})
    page = open_page(f"/pods/{key}/", phone=True)
    expect(page.locator("#driver-words")).to_have_text("Opens when its agent starts")
    page.fill("#compose-text", "what to do")
    page.locator("#compose button").tap()
    expect(page.locator("#toasts")).to_contain_text("Not pasted")
    expect(page.locator("#compose-text")).to_have_value("what to do")
    api.terminate(key)


def drawn(page, what):
    """The first two rows of a terminal of 100 columns, after `what` was done with its `view`."""
    begin = """
      const loaded = performance.getEntriesByType("resource").map((each) => each.name);
      const { View } = await import(loaded.find((name) => /terminal[/]view[.]/.test(name)));
      const box = document.createElement("div");
      box.innerHTML = '<div class="screen"></div>';
      document.body.append(box);
      const view = new View(box, { cols: 100, rows: 10, onFit() {} });"""
    end = """
      const { active } = view.term.buffer;
      return [0, 1].map((row) => active.getLine(row).translateToString(true).trim());"""
    done = f"await new Promise((done) => {{ {what} }});"
    return page.evaluate(f"async () => {{ {begin} {done} {end} }}")


def test_what_was_drawn_for_a_size_is_shown_at_that_size(open_page, pod):
    """xterm takes what is written a little later, but a size at once."""
    do = r"view.show('\x1b[1;80HA\r\n'); view.resized(50, 10); view.show('\x1b[1;40HB', done)"
    assert drawn(open_page(f"/pods/{pod}/"), do) == ["B", "A"]  # A was folded


def test_a_new_screen_has_nothing_of_what_was_on_its_way_to_the_old_one(open_page, pod):
    size = "{ cols: 50, rows: 10 }"
    do = f"view.show('old'); view.replace('new', {size}); view.show(' and more', done)"
    assert drawn(open_page(f"/pods/{pod}/"), do) == ["new and more", ""]
