"""Valkey is killed, flushed, slow or silent while agents talk: late, never lost, doubled or out of order; every wait ends.

A Valkey of the test's own, reached over TCP through the proxy, so that it can be slow and silent, too.
"""

import shlex
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.talk import Agent, agent_of
from mesh.up.environment import redis_server
from tests.faults.process import Process
from tests.faults.proxy import Proxy
from tests.faults.system import Rig
from tests.journeys.system import free_port

LISTENERS, WRITERS, EACH = 4, 3, 40
PAUSE_S = 0.25  # between a writer's messages: they talk for ten seconds and more
WAIT_S = 4.0  # of one waiting call
ENDS_WITHIN = 4.0  # beyond that: a listener that no Valkey takes, a look, and a loaded machine
POSTED_WITHIN = 4.0
LATE_AT_MOST = 8.0
BEFORE_S, FAULT_S = 2.0, 5.0


class Valkey:
    """`slow`, `hold` and `release` are its `proxy`'s."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.proxy = Proxy(self.port)
        command = f"{shlex.quote(redis_server())} --port {self.port} --bind 127.0.0.1 --save ''"
        self.process = Process(command, {}, folder / "valkey.log", folder)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.proxy.port}/0"

    def close(self) -> None:
        self.process.end()
        self.proxy.close()


def _killed(valkey: Valkey) -> None:
    valkey.process.kill()
    time.sleep(FAULT_S)
    valkey.process.start()


def _flushed(valkey: Valkey) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", valkey.port)) as to:
            to.sendall(b"FLUSHALL\r\n")
            assert to.recv(64) == b"+OK\r\n"
        time.sleep(FAULT_S / 5)


def _slow(valkey: Valkey) -> None:
    valkey.proxy.slow(delay=0.7)
    time.sleep(FAULT_S)
    valkey.proxy.restore()


def _silent(valkey: Valkey) -> None:
    valkey.proxy.hold()
    time.sleep(FAULT_S)
    valkey.proxy.release()


@dataclass
class Talk:
    """What was said and heard. Times are `time.monotonic`."""

    room: str
    posted: dict[int, float] = field(default_factory=dict)
    longest_post: float = 0.0
    longest_wait: float = 0.0

    def write(self, agent: Agent, name: str) -> None:
        for n in range(EACH):
            began = time.monotonic()
            said = agent.tool("publish_to_channel", channel=self.room, body=f"{name} {n}")
            self.posted[said["number"]] = began
            self.longest_post = max(self.longest_post, time.monotonic() - began)
            time.sleep(PAUSE_S)

    def listen(self, agent: Agent) -> list[tuple[int, str, float]]:
        """Number, text and when it was heard, of all there are."""
        heard: list[tuple[int, str, float]] = []
        while len(heard) < WRITERS * EACH:
            began = time.monotonic()
            told = agent.tool("wait_for_messages", channels=[self.room], timeout_s=WAIT_S)
            now = time.monotonic()
            self.longest_wait = max(self.longest_wait, now - began)
            heard += [(each["number"], each["body"], now) for each in told["messages"]]
        return heard


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path_factory.mktemp("valkey"))
    yield valkey
    valkey.close()


@pytest.fixture(scope="module")
def talkers(valkey: Valkey) -> Iterator[tuple[Rig, list[Agent]]]:
    rig = Rig(REDIS_URL=valkey.url)
    try:
        rig.start()
        keys = [rig.api.run("sleep", "3600") for _ in range(LISTENERS + WRITERS)]
        for key in keys:
            rig.api.becomes(key, "running")
        yield rig, [agent_of(rig.home, key) for key in keys]
    finally:
        rig.close()


@pytest.mark.parametrize("fault", [_killed, _flushed, _slow, _silent])
def test_agents_go_on_talking(
    valkey: Valkey, talkers: tuple[Rig, list[Agent]], note: Any, fault: Any
) -> None:
    rig, agents = talkers
    talk = Talk(f"room-{uuid.uuid4().hex[:8]}")
    agents[0].tool("create_channel", name=talk.room)
    for agent in agents[1:]:
        agent.tool("join_channel", channel=talk.room)
    with ThreadPoolExecutor(len(agents)) as threads:
        listening = [threads.submit(talk.listen, each) for each in agents[:LISTENERS]]
        writing = [
            threads.submit(talk.write, each, f"writer{n}")
            for n, each in enumerate(agents[LISTENERS:])
        ]
        time.sleep(BEFORE_S)
        fault(valkey)
        for each in writing:
            each.result()
        heard = [each.result() for each in listening]
    late = [at - talk.posted[number] for told in heard for number, _, at in told]
    note("a message was taken in within", talk.longest_post)
    note("heard at the latest after", max(late))
    note("the longest wait took", talk.longest_wait)
    for told in heard:
        assert [number for number, _, _ in told] == list(range(1, WRITERS * EACH + 1))
        for n in range(WRITERS):
            mine = [text for _, text, _ in told if text.startswith(f"writer{n} ")]
            assert mine == [f"writer{n} {k}" for k in range(EACH)]
    assert talk.longest_post <= POSTED_WITHIN
    assert talk.longest_wait <= WAIT_S + ENDS_WITHIN
    assert max(late) <= LATE_AT_MOST
    assert rig.get("readyz").status == 200
