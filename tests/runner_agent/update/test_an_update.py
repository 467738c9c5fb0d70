"""A release is taken from the server and tried beside what runs; Pods count on through all of it."""

import json

import pytest

from tests.runner_agent.update import stage


async def test_a_good_release_serves_afterwards_and_no_pod_noticed(machine, shop):
    session = await machine.start()
    pods = await machine.writers(session, 3)
    id_ = await session.ask("update", **machine.offer(shop.make("0.9.1")))
    await session.left()
    after = await machine.server.attached()
    assert after.hello.version == "0.9.1"
    assert {report.pod for report in after.hello.pods} == set(pods)
    result = await after.result(id_)
    assert (result.state, result.error) == ("done", "")
    told = json.loads(result.result_json)
    assert told["version"] == "0.9.1"
    steps = [step["step"] for step in told["steps"]]
    assert steps == [
        "taken",
        "downloading",
        "verifying",
        "installing",
        "self-test",
        "waiting",
        "switching",
    ]
    assert machine.releases.current == "0.9.1"
    for pod in pods:
        counted = machine.counted(pod)
        assert counted == list(range(1, len(counted) + 1))


@pytest.mark.parametrize(
    ("hook", "code", "said"),
    [
        (stage.FAILS_ITS_TEST, "self_test", "broken here"),
        (stage.CRASHES_AT_START, "did_not_start", "exit code 1"),
        (stage.HANGS_AT_START, "did_not_start", "not ready after 3 s"),
    ],
    ids=["fails its self-test", "crashes at start", "hangs at start"],
)
async def test_a_release_that_does_not_come_up_never_disturbs_the_one_that_serves(
    machine, shop, hook, code, said
):
    session = await machine.start(limits="warm=3")
    id_ = await session.ask("update", **machine.offer(shop.make("0.9.2", hook)))
    result = await session.result(id_)
    assert (result.state, result.error_code) == ("failed", code)
    assert said in result.error
    assert machine.releases.current == ""
    assert machine.server.sessions.empty()


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (stage.CRASHES_IN_ITS_TURN, "ZeroDivisionError"),
        (stage.HANGS_IN_ITS_TURN, "not attached and healthy after 4 s"),
    ],
    ids=["crashes", "hangs"],
)
async def test_a_release_that_fails_once_it_serves_is_taken_back_by_itself(
    machine, shop, hook, said
):
    session = await machine.start(limits="healthy=4")
    pods = await machine.writers(session, 2)
    id_ = await session.ask("update", **machine.offer(shop.make("0.9.3", hook)))
    await session.left()
    again = await machine.server.attached()
    assert again.hello.version == stage.runner_agent.__version__
    assert {report.pod for report in again.hello.pods} == set(pods)
    result = await again.result(id_)
    assert (result.state, result.error_code) == ("failed", "taken_back")
    assert said in result.error
    assert machine.releases.current == ""
