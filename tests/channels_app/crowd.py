"""Pods in one Channel, some of whom write, through a real Gateway and a real Redis: each reads all, once, in order."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from channels.layers import get_channel_layer

from accounts.access import digest
from channels_app.models import Member
from channels_app.services import channels
from pods.access import actor_for_pod
from proto.mesh.v1 import runner_pb2 as pb
from tests import builders
from tests.pods.gateway.rig import Rig, running_gateway

ROOM = "crowd"
CALL_S = 120.0


@dataclass(frozen=True, slots=True)
class Crowd:
    pods: int
    writers: int
    each: int  # messages of each writer

    @property
    def messages(self) -> int:
        return self.writers * self.each


class Agent:
    """In a Pod, behind a Runner that says exactly what it asks."""

    def __init__(self, link: Any, token: str) -> None:
        self._link, self.token = link, token
        self.numbers: list[int] = []
        self.bodies: list[str] = []

    async def write(self, count: int) -> None:
        for n in range(count):
            await self._call("publish_to_channel", channel=ROOM, body=f"{self.token} {n}")

    async def read(self, count: int, *, by_number: bool) -> None:
        """`by_number`: from the number it keeps, as one does that wants its own messages, too."""
        while len(self.numbers) < count:
            after = {"after": self.numbers[-1] if self.numbers else 0} if by_number else {}
            told = await self._call("wait_for_messages", channels=[ROOM], **after)
            self.numbers += [message["number"] for message in told["messages"]]
            self.bodies += [message["body"] for message in told["messages"]]

    async def _call(self, name: str, **arguments: Any) -> dict[str, Any]:
        asked = json.dumps(arguments).encode()
        call = pb.ToolCall(pod_token=self.token, name=name, arguments_json=asked)
        told = await self._link.stub.CallTool(call, timeout=CALL_S)
        assert not told.is_error, told.text
        return dict(json.loads(told.data_json))


async def talks(crowd: Crowd) -> None:
    """Needs a channel layer over Redis."""
    async with _listening_ends(), running_gateway() as rig:
        runner = await rig.rows(builders.make_runner, online=False, capacity=crowd.pods)
        tokens = await rig.rows(_gathered, runner, crowd)
        async with rig.session(runner) as link:
            agents = [Agent(link, token) for token in tokens]
            await _all_talk(agents, crowd)
        await _check(rig, agents, crowd)


async def _all_talk(agents: list[Agent], crowd: Crowd) -> None:
    async with asyncio.TaskGroup() as tasks:
        for n, agent in enumerate(agents):
            tasks.create_task(agent.read(crowd.messages, by_number=n < crowd.writers))
        for agent in agents[: crowd.writers]:
            tasks.create_task(agent.write(crowd.each))


async def _check(rig: Rig, agents: list[Agent], crowd: Crowd) -> None:
    heard = agents[0].bodies
    assert all(agent.numbers == list(range(1, crowd.messages + 1)) for agent in agents)
    assert all(agent.bodies == heard for agent in agents)
    for writer in agents[: crowd.writers]:  # nothing lost, doubled or overtaken on the way in
        mine = [body for body in heard if body.startswith(f"{writer.token} ")]
        assert mine == [f"{writer.token} {n}" for n in range(crowd.each)]
    read = await rig.rows(lambda: list(Member.objects.values_list("read", flat=True)))
    assert read == [crowd.messages] * crowd.pods


def _gathered(runner: Any, crowd: Crowd) -> list[str]:
    """Pods that are in the Channel; their tokens."""
    tokens = [f"pod{n}" for n in range(crowd.pods)]
    pods = [builders.make_pod(runner=runner, token_digest=digest(token)) for token in tokens]
    first, *others = [actor_for_pod(pod) for pod in pods]
    room = channels.create_channel(by=first, name=ROOM)
    for actor in others:
        channels.join(room, by=actor)
    return tokens


@asynccontextmanager
async def _listening_ends() -> AsyncIterator[None]:
    try:
        yield
    finally:
        await get_channel_layer().flush()
