"""The form of a new Pod offers what goes with the chosen agent, and sends nothing else."""

from playwright.sync_api import expect


def test_choices_come_and_go_with_the_agent(open_page):
    page = open_page("/pods/new/")
    page.select_option("#pod-agent", "claude")
    for name in ("permissions", "credentials", "model", "version"):
        expect(page.locator(f"#pod-{name}")).to_be_visible()
    page.select_option("#pod-permissions", "auto")
    page.fill("#pod-model", "opus")
    page.select_option("#pod-agent", "gemini")
    expect(page.locator("#pod-permissions")).to_have_value("")  # it has no “auto”
    assert page.locator("#pod-permissions option[value=auto]").is_disabled()
    page.select_option("#pod-agent", "shell")
    for name in ("permissions", "credentials", "model", "version"):
        expect(page.locator(f"#pod-{name}")).to_be_hidden()
    page.click("text=Start Pod")  # a model it does not take would be refused
    page.wait_for_url("**/pods/pod-*/")


def test_an_agent_type_is_written_corrected_and_launched(open_page):
    page = open_page("/agent-types/new/")
    text = 'slug = "sleeper"\nname = "Sleeper"\n[launch]\nargv = ["sleep", "60"]\n'
    page.fill("#declaration", text.replace("launch", "lunch"))
    page.locator("button", has_text="Add agent type").click()
    expect(page.locator("#declaration-problems")).to_contain_text("Did you mean launch?")
    page.fill("#declaration", text)
    page.locator("button", has_text="Add agent type").click()
    expect(page.locator("#agent-types")).to_contain_text("Sleeper")
    page.goto(page.url.replace("/agent-types/", "/pods/new/"))
    page.select_option("#pod-agent", "sleeper")
    page.click("text=Start Pod")
    page.wait_for_url("**/pods/pod-*/")
    expect(page.locator("#pod-line")).to_contain_text("Running")


def test_a_key_is_entered_and_seen_no_more(open_page):
    page = open_page("/keys/")
    page.fill("#id_name", "Browser key")
    page.fill("#id_api_key", "sk-from-the-browser-9876")
    page.locator("button", has_text="Add key").click()
    expect(page.locator("#credentials")).to_contain_text("Browser key")
    expect(page.locator("#credentials")).to_contain_text("9876")
    assert "sk-from-the-browser" not in page.content()
    page.locator("a", has_text="Change").first.click()
    expect(page.locator("#id_api_key")).to_have_value("")
    page.locator("button", has_text="Delete").click()
    page.locator("dialog[open] button", has_text="Delete").click()
    expect(page.locator("#credentials")).to_contain_text("No keys yet")
