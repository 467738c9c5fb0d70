"""`make demo`, as a person uses it: to its end, and all that its summary claims is so."""

import re

import pytest

from tests.journeys.system import System, signed_in


@pytest.fixture(scope="module")
def own():
    system = System()
    try:
        system.start()
        yield system
    finally:
        system.close()


@pytest.fixture(scope="module")
def told(own):
    """What one run said: its progress, and its summary."""
    done = own.manage("demo")
    return done.stderr, done.stdout


@pytest.fixture(scope="module")
def family(own, told):
    """The planner, then its workers."""
    pods = own.api.get("pods/")["results"]
    planner = next(pod for pod in pods if pod["name"] == "Demo: planner")
    workers = [pod for pod in pods if pod["parent"] == planner["key"]]
    return planner, *sorted(workers, key=lambda pod: pod["key"])


def commits(own, pod):
    """Hash by subject, of its branch alone."""
    log = own.api.get(f"pods/{pod['key']}/workspace/log/")["commits"]
    return {commit["subject"]: commit["hash"] for commit in log}


def messages(own, told):
    (slug,) = set(re.findall(r"/channels/([\w-]+)/", told[1]))
    return own.api.get(f"channels/{slug}/messages/")["results"]


def test_three_agents_say_that_they_are_done(own, told, family):
    assert [pod["status"] for pod in family] == ["done"] * 3
    assert [pod["state"] for pod in family] == ["running"] * 3
    for pod in family:
        assert pod["status_text"] in told[1]


def test_the_planner_merged_the_very_commits_of_its_workers(own, told, family):
    planner, *workers = [commits(own, pod) for pod in family]
    for worker in workers:
        assert worker.items() <= planner.items()
        assert len(worker) == 1
    merges = {f"Merge {pod['workspace']['branch']}" for pod in family[1:]}
    assert set(planner) == merges.union(*workers)
    for commit in planner.values():
        assert commit[:10] in told[1]


def test_they_talked_and_a_mention_was_typed(own, told, family):
    said = messages(own, told)
    assert [message["number"] for message in said] == list(range(1, len(said) + 1))
    assert {message["author"]["pod"] for message in said} == {pod["key"] for pod in family}
    calls = [call for message in said for call in message["mentions"]]
    assert [call["receipt"] for call in calls if call["pod"]] == ["typed"]
    assert [call["user"] for call in calls if call["user"]] == [own.api.get("me/")["user"]]


def test_the_planner_holds_a_binding_to_each_worker(own, family):
    planner, *workers = family
    held = own.api.get(f"bindings/?pod={planner['key']}")["results"]
    assert sorted((each["target"], each["state"]) for each in held) == [
        (worker["key"], "active") for worker in workers
    ]


def test_the_pages_show_it(own, told, family):
    browser, _ = signed_in(own.run_file["login_url"])

    def page(path):
        with browser.open(f"{own.run_file['url']}{path}") as shown:
            return shown.read().decode()

    (slug,) = set(re.findall(r"/channels/([\w-]+)/", told[1]))
    assert "how did your tests go?" in page(f"/channels/{slug}/")
    board, inbox = page("/map/"), page("/inbox/")
    for pod in family:
        assert pod["key"] in board
    assert slug in board
    assert "all merged on" in inbox


def test_the_next_demo_ends_this_one(own, family):
    again = own.manage("demo")
    for pod in family:
        assert f"Ended {pod['key']} of the demo before" in again.stderr
        own.api.becomes(pod["key"], "terminated")
