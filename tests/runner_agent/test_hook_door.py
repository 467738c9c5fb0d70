"""Agents' hooks: `mesh hook` takes them to the Runner's door, quickly, and never harms the agent."""

import asyncio
import json
import os
import pty
import time

import pytest
from sse_starlette.sse import AppStatus

from runner_agent.agents.spooled import take_spooled
from runner_agent.config import Config
from runner_agent.pod_hook import SAID_MAX
from runner_agent.pods import pod_programs
from runner_agent.tools.hook_door import BODY_MAX
from tests.runner_agent.test_tool_door import opened

SOON_S = 20.0


@pytest.fixture
def config(tmp_path):
    return Config(home=tmp_path / "runner", sockets=tmp_path)


@pytest.fixture(autouse=True)
def no_exit():
    yield
    AppStatus.should_exit = False


@pytest.fixture
def pod_home(tmp_path):
    (tmp_path / "home" / ".mesh").mkdir(parents=True)
    (tmp_path / "home" / ".mesh" / "token").write_text("token-a")
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def programs(config):
    config.home.mkdir()
    pod_programs.write(config)


async def mesh_hook(config, pod_home, url, *words, said=b"", stdin=asyncio.subprocess.PIPE):
    """Its exit code, and all that it printed."""
    env = {
        "PATH": f"{config.bin}:{os.defpath}",
        "MESH_MCP_URL": url,
        "MESH_TOKEN_FILE": str(pod_home / ".mesh" / "token"),
    }
    process = await asyncio.create_subprocess_exec(
        *("mesh", "hook", *words),
        env=env,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SOON_S):
        printed, _ = await process.communicate(said if process.stdin else None)
    return process.returncode, printed


async def heard(here):
    """The first hook that was; a door that is still being loaded hears it a moment later."""
    async with asyncio.timeout(SOON_S):
        while not here.ears.heard:  # noqa: ASYNC110 - another process comes
            await asyncio.sleep(0.01)
    return here.ears.heard[0]


async def test_a_hook_is_heard_with_its_data_and_when_it_was_fired(config, pod_home):
    async with opened(config) as here:
        before = time.time_ns() // 1_000_000
        data = {"session_id": "s", "tool_name": "Bash"}
        done = await mesh_hook(
            config, pod_home, here.tokens.url, "PreToolUse", said=json.dumps(data).encode()
        )
        assert done == (0, b"")
        pod, event, found, at_ms = await heard(here)
        assert (pod, event, found) == ("pod-a", "PreToolUse", data)
        assert before <= at_ms <= time.time_ns() // 1_000_000


async def test_json_may_be_given_as_an_argument(config, pod_home):
    async with opened(config) as here:
        await mesh_hook(config, pod_home, here.tokens.url, "notify", '{"type": "turn"}')
        assert (await heard(here))[:3] == ("pod-a", "notify", {"type": "turn"})


async def test_what_is_too_large_is_shortened_not_lost(config, pod_home):
    said = {"tool_name": "Write", "tool_input": {"content": "x" * (2 * SAID_MAX), "file": "a"}}
    async with opened(config) as here:
        done = await mesh_hook(
            config, pod_home, here.tokens.url, "PreToolUse", said=json.dumps(said).encode()
        )
        assert done == (0, b"")
        found = (await heard(here))[2]
        assert (found["tool_name"], found["tool_input"]["file"]) == ("Write", "a")
        assert set(found["tool_input"]["content"]) == {"x"}


async def test_it_never_reads_the_agents_terminal(config, pod_home):
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"typed by a person\r")
        async with opened(config) as here:
            await mesh_hook(config, pod_home, here.tokens.url, "Notification", stdin=theirs)
            assert (await heard(here))[:3] == ("pod-a", "Notification", {})
            os.set_blocking(theirs, False)
            assert os.read(theirs, 100) == b"typed by a person\n"
    finally:
        os.close(ours)
        os.close(theirs)


async def test_while_no_daemon_listens_a_hook_is_left_and_found_later(config, pod_home):
    async with opened(config) as here:
        url = here.tokens.url
    for event in ("UserPromptSubmit", "Stop"):
        assert await mesh_hook(config, pod_home, url, event, said=b'{"a": 1}') == (0, b"")
    found = take_spooled(pod_home)
    assert [(event, data) for event, data, _ in found] == [
        ("UserPromptSubmit", {"a": 1}),
        ("Stop", {"a": 1}),
    ]
    assert take_spooled(pod_home) == []


async def test_whatever_is_wrong_the_agent_hears_nothing_of_it(config, pod_home):
    for words in ((), ("../x",), ("a b",), ("--wait-tools",), ("--wait-tools", "x", "Start")):
        url = "http://127.0.0.1:1/mcp"
        assert await mesh_hook(config, pod_home, url, *words, said=b"no json") == (0, b"")
    (pod_home / ".mesh" / "token").unlink()
    assert await mesh_hook(config, pod_home, "nonsense", "Stop") == (0, b"")


async def test_a_start_can_wait_until_the_agent_has_seen_its_tools(config, pod_home):
    async with opened(config) as here:
        async with asyncio.TaskGroup() as group:
            words = ("--wait-tools", "15", "SessionStart")
            waiting = group.create_task(mesh_hook(config, pod_home, here.tokens.url, *words))
            await heard(here)
            assert not waiting.done()
            await here.ask("tools/list")
        assert waiting.result() == (0, b"")


async def test_who_has_no_token_of_a_living_pod_is_not_heard(config):
    async with opened(config) as here:
        for header in ("", "Bearer token-b"):
            answer = await here.client.post("/hooks/Stop", headers={"Authorization": header})
            assert answer.status_code == 401
        assert here.ears.heard == []


async def test_the_door_has_limits(config):
    async with opened(config) as here:
        pass_ = {"Authorization": "Bearer token-a"}
        large = b"x" * (BODY_MAX + 1)
        answers = [
            await here.client.post("/hooks/Stop", headers=pass_, content=large),
            await here.client.post(f"/hooks/{'x' * 81}", headers=pass_),
            await here.client.get("/hooks/Stop", headers=pass_),
        ]
        assert [answer.status_code for answer in answers] == [413, 404, 404]
        assert here.ears.heard == []


# ---- what an agent may have left in the place for hooks


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[]", b"3", b'{"event": "x"}', b'{"event": "x", "at_ms": "y"}']
)
def test_nonsense_left_there_is_passed_over(pod_home, content):
    place = pod_home / ".mesh" / "hooks"
    place.mkdir()
    (place / "000-1.json").write_bytes(content)
    good = {"event": "Stop", "at_ms": 7, "data": []}
    (place / "001-1.json").write_text(json.dumps(good))
    assert take_spooled(pod_home) == [("Stop", {}, 7)]


def test_links_and_pipes_left_there_are_not_followed(pod_home, tmp_path):
    place = pod_home / ".mesh" / "hooks"
    place.mkdir()
    (tmp_path / "secret.json").write_text(json.dumps({"event": "x", "at_ms": 1, "data": {}}))
    (place / "000-1.json").symlink_to(tmp_path / "secret.json")
    os.mkfifo(place / "001-1.json")
    assert take_spooled(pod_home) == []
    assert (tmp_path / "secret.json").exists()
