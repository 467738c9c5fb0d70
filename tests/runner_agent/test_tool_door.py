"""The door for agents: on 127.0.0.1, for tokens of living Pods, with the Gateway's list, at a port that stays."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from sse_starlette.sse import AppStatus

from runner_agent.agents.watch import AgentWatch, read_object
from runner_agent.config import Config
from runner_agent.messages import ToolAnswer
from runner_agent.outbox import Outbox
from runner_agent.pods.pod_tokens import PodTokens, digest
from runner_agent.tools.tool_door import ToolDoor

HEADERS = {"Accept": "application/json, text/event-stream", "Authorization": "Bearer token-a"}
TOOL = {"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}


@pytest.fixture
def config(tmp_path):
    return Config(home=tmp_path, sockets=tmp_path)


class Ears(AgentWatch):
    """The real ones, which also remember what they heard."""

    def __init__(self):
        super().__init__(Outbox())
        self.heard = []

    def hook(self, pod, event, body, at_ms):
        self.heard.append((pod, event, read_object(body), at_ms))
        super().hook(pod, event, body, at_ms)


class Open:
    def __init__(self, door, tokens, calls, client, ears):
        self.door, self.tokens, self.calls, self.client = door, tokens, calls, client
        self.ears = ears

    async def post(self, method, params=None, **headers):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        return await self.client.post("/mcp", json=body, headers=HEADERS | headers)

    async def ask(self, method, params=None):
        answer = await self.post(method, params)
        assert answer.status_code == 200, answer.text
        said = [line[5:] for line in answer.text.splitlines() if line.startswith("data:")]
        return json.loads(said[-1])["result"]


@asynccontextmanager
async def opened(config):
    tokens, calls = PodTokens(), []
    tokens.add("pod-a", digest("token-a"))

    async def forward(token, name, arguments):
        calls.append((token, name, arguments))
        if name == "refuse":
            return ToolAnswer("No.", {"why": "not"}, is_error=True, error_code="no")
        return ToolAnswer("Yes.", {"is": True})

    ears = Ears()
    door = ToolDoor(config, tokens, ears)
    door.listing = json.dumps([TOOL]).encode()
    with door.opened():
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(door.serve(forward))
            url = f"http://127.0.0.1:{door.port}"
            async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
                yield Open(door, tokens, calls, client, ears)
            serving.cancel()
            AppStatus.should_exit = True  # the task that looks for this outlives its server


@pytest.fixture(autouse=True)
def no_exit():
    yield
    AppStatus.should_exit = False


async def test_tools_are_those_of_the_gateway(config):
    async with opened(config) as here:
        assert [tool["name"] for tool in (await here.ask("tools/list"))["tools"]] == ["look"]
        here.door.listing = b"[]"
        assert (await here.ask("tools/list"))["tools"] == []


async def test_a_call_is_passed_on_with_the_token_of_the_pod(config):
    async with opened(config) as here:
        said = await here.ask("tools/call", {"name": "look", "arguments": {"at": 1}})
        assert here.calls == [("token-a", "look", {"at": 1})]
        assert said["content"][0]["text"] == "Yes."
        assert (said["structuredContent"], said["isError"]) == ({"is": True}, False)
        refused = await here.ask("tools/call", {"name": "refuse"})
        assert (refused["isError"], refused["structuredContent"]) == (True, {"why": "not"})


async def test_strangers_do_not_get_in(config):
    async with opened(config) as here:
        for header in ("", "Bearer", "Bearer token-b", "Basic token-a"):
            answer = await here.post("tools/list", Authorization=header)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        here.tokens.remove("pod-a")
        assert (await here.post("tools/list")).status_code == 401
        assert here.calls == []


async def test_pages_of_other_hosts_do_not_get_in(config):
    async with opened(config) as here:
        assert (await here.post("tools/list", Host="evil.example")).status_code == 421
        assert (await here.post("tools/list", Origin="http://evil.example")).status_code == 403


async def test_a_call_has_a_limit(config):
    async with opened(config) as here:
        large = await here.post("tools/call", {"name": "look", "arguments": {"x": "x" * (1 << 20)}})
        assert large.status_code == 413


async def test_the_port_stays_the_same_over_restarts(config):
    async with opened(config) as here:
        first = here.door.port
        await here.ask("tools/list")
    AppStatus.should_exit = False
    async with opened(config) as here:
        assert here.door.port == first
        assert here.tokens.url == f"http://127.0.0.1:{first}/mcp"


async def test_a_port_that_is_taken_is_replaced(config, caplog):
    async with opened(config) as here:
        other = ToolDoor(config, PodTokens(), Ears())
        with other.opened():
            assert other.port != here.door.port
        assert "agents that run cannot call tools" in caplog.text
