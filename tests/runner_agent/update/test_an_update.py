"""A release is taken from the server and tried beside what runs; Pods count on through all of it."""

import json

import pytest

from tests.protocols.before import Protocol
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
        (stage.HANGS_IN_ITS_TURN, "It hung: not a word for 2.5 s"),
    ],
    ids=["crashes", "hangs"],
)
async def test_a_release_that_fails_once_it_serves_is_taken_back_by_itself(
    machine, shop, hook, said
):
    session = await machine.start()
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


async def test_the_next_release_has_loaded_all_before_the_one_that_serves_leaves(machine, shop):
    said = machine.config.home / "loaded"
    word = f"open({str(said)!r}, 'w').write(str('runner_agent.tools.mcp_server' in sys.modules))"
    session = await machine.start()
    hook = stage.AFTER_ITS_TURN + f"then(lambda: {word})"
    await session.ask("update", **machine.offer(shop.make("0.9.8", hook)))
    await session.left()
    assert (await machine.server.attached()).hello.version == "0.9.8"
    assert said.read_text() == "True"


async def test_a_pod_host_that_hung_before_is_not_held_against_the_new_release(machine, shop):
    session = await machine.start(limits="healthy=20")
    works, hangs = await machine.writers(session, 2)
    with machine.stopped_host(hangs):
        id_ = await session.ask("update", **machine.offer(shop.make("0.9.8")))
        await session.left()
        after = await machine.server.attached()
        assert {report.pod for report in after.hello.pods} == {works, hangs}
        assert (await after.result(id_)).state == "done"
    assert machine.releases.current == "0.9.8"
    for pod in (works, hangs):
        counted = machine.counted(pod)
        assert counted == list(range(1, len(counted) + 1))


async def test_a_command_under_way_is_finished_before_the_switch_and_one_that_comes_then_waits(
    machine, shop
):
    session = await machine.start()
    (pod,) = await machine.writers(session, 1)
    gate = machine.config.home / "gate"
    line = f"until [ -e {gate} ]; do sleep 0.01; done; echo passed"
    execute = await session.ask("execute", pod, argv=["sh", "-c", line])
    id_ = await session.ask("update", **machine.offer(shop.make("0.9.4")))
    await session.step("waiting")
    late = await session.ask("execute", pod, argv=["echo", "late"])
    assert (execute in session.results, late in session.results) == (False, False)
    gate.touch()
    await session.left()
    assert json.loads(session.results[execute].result_json)["stdout"] == "passed\n"
    assert late not in session.results
    after = await machine.server.attached()
    await after.ask("execute", pod, id_=late, argv=["echo", "late"])  # it was never acknowledged
    assert json.loads((await after.result(late)).result_json)["stdout"] == "late\n"
    assert (await after.result(id_)).state == "done"


async def test_a_drain_waits_for_pods_to_end_by_themselves(machine, shop):
    session = await machine.start()
    gate = machine.config.home / "gate"
    line = f"until [ -e {gate} ]; do sleep 0.01; done"
    start = await session.ask("start", "pod-drained", argv=["sh", "-c", line])
    assert (await session.result(start)).state == "done"
    await session.ask("update", **machine.offer(shop.make("0.9.5"), mode="drain"))
    await session.step("waiting")
    assert "switching" not in session.steps
    gate.touch()
    await session.left()
    assert (await machine.server.attached()).hello.version == "0.9.5"


async def test_a_download_goes_on_after_kill_9_of_the_daemon(machine, shop):
    machine.server.pause = 0.1
    session = await machine.start()
    release = shop.make("0.9.6")
    update = machine.offer(release)
    id_ = await session.ask("update", **update)
    await session.step("downloading")
    part = machine.releases.directory / f".{json.loads(release[1].text)['sha256']}.part"
    await stage.until(lambda: part.exists() and part.stat().st_size > 2 * stage.CHUNK)
    machine.kill_daemon()
    assert await machine.ended() == 128 + 9
    machine.server.pause = 0
    again = await machine.start()
    await again.left()
    after = await machine.server.attached()
    assert (await after.result(id_)).state == "done"
    assert machine.server.asked[0] == 0
    assert machine.server.asked[1] > 2 * stage.CHUNK


async def test_a_server_of_the_protocol_before_hears_no_word_that_it_does_not_know(machine, shop):
    """The Runner of today with a server that speaks protocol 1: it works, and updates, without the new words."""
    await machine.launch()
    session = await machine.server.attached(protocol=1)
    (pod,) = await machine.writers(session, 1)
    id_ = await session.ask("update", **machine.offer(shop.make("0.9.7")))
    await session.left()
    after = await machine.server.attached(protocol=1)
    assert (await after.result(id_)).state == "done"
    before = Protocol()
    for event in (*session.events, *after.events):
        assert before.read(event).WhichOneof("message")
    assert machine.counted(pod)


async def test_new_pods_are_born_of_the_new_release_and_old_ones_go_on(machine, shop):
    session = await machine.start()
    (old,) = await machine.writers(session, 1)
    await session.ask("update", **machine.offer(shop.make("0.9.8")))
    await session.left()
    after = await machine.server.attached()
    program = str(machine.releases.place("0.9.8") / "lib" / "runner_agent" / "podhost")
    await stage.until(lambda: program in machine.template() or not machine.template())
    (new,) = await machine.writers(after, 1)
    assert program in machine.template()
    await stage.until(lambda: machine.counted(new) and machine.counted(old))


async def test_tools_of_a_pod_work_on_after_an_update(machine, shop):
    """`mesh` is a program of the Runner's: a Pod of before must find that of the release that serves."""
    session = await machine.start()
    (pod,) = await machine.writers(session, 1)
    await session.ask("update", **machine.offer(shop.make("0.9.8")))
    await session.left()
    after = await machine.server.attached()
    tools = await after.ask("execute", pod, argv=["mesh", "--help"])
    result = json.loads((await after.result(tools)).result_json)
    assert result["exit_code"] == 0, result
    assert str(machine.releases.place("0.9.8")) in (machine.config.bin / "mesh").read_text()


async def test_an_archive_is_installed_by_hand_and_tried_at_the_next_start(machine, shop, tmp_path):
    data, signed = shop.make("0.9.9")
    path = tmp_path / "release.tar.gz"
    path.write_bytes(data)
    signed.save(path)
    session = await machine.start()
    refused = await machine.person("update", "--archive", str(path))
    assert "Stop its service" in refused.said
    await machine.stop()
    done = await machine.person("update", "--archive", str(path), "--json")
    assert json.loads(done.said.splitlines()[-1]) == {"version": "0.9.9"}
    assert session.hello.version != "0.9.9"
    assert (await machine.start()).hello.version == "0.9.9"
    again = await machine.person("update", "--archive", str(path))
    assert again.code == 1


async def test_how_the_newest_update_went_is_shown_at_the_machine(machine, shop):
    session = await machine.start()
    assert "no update yet" in (await machine.person("update", "--status")).said
    id_ = await session.ask("update", **machine.offer(shop.make("0.9.2", stage.FAILS_ITS_TEST)))
    await session.result(id_)
    shown = json.loads((await machine.person("update", "--status", "--json")).said)
    assert (shown["state"], shown["version"]) == ("failed", "0.9.2")
    assert "broken here" in shown["reason"]
