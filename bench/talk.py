"""Agents that wait for each other: from a post to the return of the tool call that waits for it, at the agents' own door."""

import asyncio
import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import programs
from bench.client import call, end_pod, start_pod
from bench.figures import Figure, percentile
from bench.system import System

WAITERS = 10
MESSAGES = 150
A_SECOND = 5
CHANNEL = "bench"
CALLS = 40
END = "end"
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Agent:
    """A Pod as its own agent is: with its token, at the door of its Runner."""

    url: str
    token: str

    def tool(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """What the tool gives as data; raises RuntimeError when it refuses."""
        params = {"name": name, "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        request = urllib.request.Request(
            self.url,
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
            },
        )
        with NO_PROXY.open(request, timeout=70) as answer:
            events = [line[5:] for line in answer.read().splitlines() if line.startswith(b"data:")]
        result = json.loads(events[-1])["result"]
        if result.get("isError"):
            raise RuntimeError(result["content"][0]["text"])
        return dict(result["structuredContent"])


async def talk(system: System) -> list[Figure]:
    return await asyncio.to_thread(_talk, system)


def _talk(system: System) -> list[Figure]:
    """One writes, one waits, then ten; beside a call that only reads, for the ratio."""
    keys = [start_pod(system, programs.IDLE) for _ in range(WAITERS + 1)]
    writer, *waiters = [_agent(system, key) for key in keys]
    writer.tool("create_channel", name=CHANNEL)
    plain = _plain_calls(writer)
    waiters[0].tool("join_channel", channel=CHANNEL)
    one, _ = _conversation(writer, waiters[:1])
    for waiter in waiters[1:]:
        waiter.tool("join_channel", channel=CHANNEL)
    all_, posts = _conversation(writer, waiters)
    for key in keys:
        end_pod(system, key)
    return [
        Figure("a tool call that only reads p50", plain, "ms"),
        Figure("publish_to_channel p50", percentile(posts, 0.5), "ms"),
        Figure("post to the return of one waiting call p50", percentile(one, 0.5), "ms", "<= 50"),
        Figure(f"the same with {WAITERS} that wait p50", percentile(all_, 0.5), "ms", "<= 50"),
        Figure(f"the same with {WAITERS} that wait p99", percentile(all_, 0.99), "ms"),
        Figure("waiting call / call that only reads", percentile(all_, 0.5) / plain, "x"),
    ]


def agent_of(home: Path, key: str) -> Agent:
    """`home` is the system's own; the Pod must run."""
    token = home / "runner" / "homes" / key / ".mesh" / "token"
    port = (home / "runner" / "mcp-port").read_text()
    return Agent(f"http://127.0.0.1:{port}/mcp", token.read_text())


def _agent(system: System, key: str) -> Agent:
    until = time.monotonic() + 30
    while call(system, "GET", f"pods/{key}/")["state"] != "running":
        if time.monotonic() > until:
            raise RuntimeError(f"{key} does not run")
        time.sleep(0.05)
    return agent_of(system.home, key)


def _plain_calls(agent: Agent) -> float:
    taken = []
    for _ in range(CALLS):
        began = time.perf_counter()
        agent.tool("get_pod")
        taken.append((time.perf_counter() - began) * 1000)
    return percentile(taken, 0.5)


def _conversation(writer: Agent, waiters: list[Agent]) -> tuple[list[float], list[float]]:
    """Milliseconds from the beginning of each post to each return, and of each post itself."""
    posts: list[float] = []
    with ThreadPoolExecutor(len(waiters)) as threads:
        waiting = [threads.submit(_listen, each) for each in waiters]
        began = time.perf_counter()
        for n in range(MESSAGES):
            time.sleep(max(0.0, began + n / A_SECOND - time.perf_counter()))
            posted = time.perf_counter()
            writer.tool("publish_to_channel", channel=CHANNEL, body=str(time.perf_counter_ns()))
            posts.append((time.perf_counter() - posted) * 1000)
        writer.tool("publish_to_channel", channel=CHANNEL, body=END)
        heard = [ms for each in waiting for ms in each.result()]
    return heard, posts


def _listen(agent: Agent) -> list[float]:
    """Until the end is said; raises RuntimeError on what is missing or comes twice."""
    taken: list[float] = []
    last = 0
    while True:
        got = agent.tool("wait_for_messages", channels=[CHANNEL], timeout_s=45)["messages"]
        now = time.perf_counter_ns()
        for message in got:
            if last and message["number"] != last + 1:
                raise RuntimeError(f"{message['number']} came after {last}")
            last = message["number"]
            if message["body"] == END:
                return taken
            taken.append((now - int(message["body"])) / 1e6)
