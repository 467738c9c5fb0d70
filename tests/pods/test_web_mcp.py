"""`/mcp/` on web: the same tools for a person's own client, with an API token."""

import asyncio
import json

import httpx2
import pytest
from asgiref.sync import sync_to_async
from sse_starlette.sse import AppStatus, _ensure_watcher_started_on_this_loop

from accounts.actor import Scope
from mesh.mcp_door import with_tools
from pods.api import throttling
from pods.models import Pod
from tests.builders import make_cast, make_pod, make_token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

ACCEPT = {"Accept": "application/json, text/event-stream", "Host": "testserver"}


async def pages(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Client:
    def __init__(self, http, token=""):
        self._http, self._token = http, token

    async def post(self, method, params=None, *, path="/mcp/", **headers):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        bearer = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return await self._http.post(path, json=body, headers=ACCEPT | bearer | headers)

    async def ask(self, method, params=None):
        answer = await self.post(method, params)
        assert answer.status_code == 200, answer.text
        said = [line[5:] for line in answer.text.splitlines() if line.startswith("data:")]
        return json.loads(said[-1])["result"]

    async def call(self, name, **arguments):
        return await self.ask("tools/call", {"name": name, "arguments": arguments})


@pytest.fixture
def bobs(transactional_db):
    """bob's token, one that may only read, and a Pod of bob's and of alice's."""
    cast = make_cast()
    reading = make_token(cast.bob, scopes=[Scope.PODS_READ])
    pods = [make_pod(cast.organization, owner=owner) for owner in (cast.bob, cast.alice)]
    return make_token(cast.bob), reading, *pods


@pytest.fixture
async def http():
    _ensure_watcher_started_on_this_loop()  # it lives as long as the loop: it is not the test's
    transport = httpx2.ASGITransport(with_tools(pages))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client
        AppStatus.should_exit = True
        await asyncio.sleep(0.6)
        AppStatus.should_exit = False


async def test_who_has_no_good_token_is_told_so(http, bobs):
    for client in (Client(http), Client(http, "mesh_wrong")):
        answer = await client.post("tools/list")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_other_hosts_and_their_pages_do_not_get_in(http, bobs):
    client = Client(http, bobs[0])
    assert (await client.post("tools/list", Host="evil.example")).status_code == 421
    assert (await client.post("tools/list", Origin="http://evil.example")).status_code == 403
    assert (await client.post("tools/list", Origin="http://localhost:6274")).status_code == 200


async def test_everything_else_goes_to_the_pages(http, bobs):
    assert (await Client(http).post("tools/list", path="/mcp/else")).status_code == 204


async def test_a_call_has_a_limit(http, bobs):
    large = {"name": "list_pods", "arguments": {"x": "x" * (1 << 20)}}
    assert (await Client(http, bobs[0]).post("tools/call", large)).status_code == 413


async def test_calls_have_the_limits_of_rest(http, bobs, settings, monkeypatch):
    monkeypatch.setattr(throttling, "_counter", throttling._Counter())
    settings.API_WRITES_A_MINUTE, settings.API_STRANGERS_A_MINUTE = 2, 1
    client, stranger = Client(http, bobs[0]), Client(http, "mesh_wrong")
    answers = [await client.post("tools/list") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= throttling.WINDOW_S
    answers = [await stranger.post("tools/list") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]


async def test_people_use_the_tools_with_their_own_rights(http, bobs):
    token, reading, mine, alices = bobs
    client = Client(http, token)
    listed = await client.call("list_pods")
    assert {pod["key"] for pod in listed["structuredContent"]["pods"]} == {mine.key, alices.key}
    refused = await client.call("terminate_pod", pod=alices.key)
    assert (refused["isError"], "Only its owner" in refused["content"][0]["text"]) == (True, True)
    refused = await Client(http, reading).call("terminate_pod", pod=mine.key)
    assert "pods:write" in refused["content"][0]["text"]


async def test_a_tool_of_pods_takes_a_pod_of_yours(http, bobs):
    token, _, mine, alices = bobs
    client = Client(http, token)
    tools = {tool["name"]: tool for tool in (await client.ask("tools/list"))["tools"]}
    assert "pod" in tools["report_status"]["inputSchema"]["required"]
    said = await client.call("report_status", pod=mine.key, status="done", text="All merged.")
    assert not said["isError"]
    assert (await sync_to_async(Pod.objects.get)(pk=mine.pk)).status_text == "All merged."
    assert (await client.call("report_status", pod=alices.key, status="done"))["isError"]
