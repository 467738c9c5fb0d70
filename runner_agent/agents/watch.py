"""All agents of this Runner, watched; and the door's way to them."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from runner_agent.agents.spec import AgentSpec
from runner_agent.agents.spooled import take_spooled
from runner_agent.agents.watched import Watched
from runner_agent.outbox import Outbox
from runner_agent.places import Places
from runner_agent.terminals.pod_host import PodHost
from runner_agent.together import until

EARLY_MAX = 16  # hooks of a Pod whose start is not finished
EARLY_PODS = 64

logger = logging.getLogger(__name__)

Hook = tuple[str, dict[str, Any], int]
"""Event, its data, when it was fired (wall clock, ms)."""


class AgentWatch:
    """`records_grown`: agents that are idle or gone after they worked, so that their records have grown.
    `on_session` is called when a new Session begins."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._watched: dict[str, Watched] = {}
        self._early: dict[str, list[Hook]] = {}
        self._listed: set[str] = set()
        self._changed = asyncio.Event()
        self._doing: dict[str, str] = {}  # Pod: state told last
        self.on_session: list[Callable[[], None]] = []
        self.records_grown: set[str] = set()
        self.has_grown = asyncio.Event()

    def attend(self, host: PodHost, spec: AgentSpec | None, places: Places) -> Watched:
        """From the start of the Pod, or of this daemon, until `ended`."""
        watched = Watched(host, spec, places.pod / "agent.json", self._tell)
        self._watched[host.pod] = watched
        watched.attend()
        if watched.tools_listed:  # before a restart of this daemon
            self._listed.add(host.pod)
        elif host.pod in self._listed:
            watched.saw_tools()
        for event, data, at_ms in [*take_spooled(places.home), *self._early.pop(host.pod, [])]:
            watched.hook(event, data, at_ms)
        return watched

    def ended(self, pod: str) -> None:
        watched = self._watched.pop(pod, None)
        self._listed.discard(pod)
        self._early.pop(pod, None)
        self._doing.pop(pod, None)
        if watched is not None:
            watched.close()
            self.grew(pod)

    def get(self, pod: str) -> Watched | None:
        return self._watched.get(pod)

    def __iter__(self) -> Iterator[Watched]:
        return iter(tuple(self._watched.values()))

    def say_again(self) -> None:
        """For a new Session."""
        for watched in self:
            self._outbox.agent_status(watched.message())
        for hear in self.on_session:
            hear()

    def grew(self, pod: str) -> None:
        self.records_grown.add(pod)
        self.has_grown.set()

    # ---- from the door

    def hook(self, pod: str, event: str, body: bytes, at_ms: int) -> None:
        data = read_object(body)
        watched = self._watched.get(pod)
        if watched is not None:
            watched.hook(event, data, at_ms)
            if watched.status.state != "working":
                self.grew(pod)  # the end, too, of a turn that was over before it was seen
            return
        early = self._early.setdefault(pod, [])
        if len(early) < EARLY_MAX and len(self._early) <= EARLY_PODS:
            early.append((event, data, at_ms))

    def saw_tools(self, pod: str) -> None:
        self._listed.add(pod)
        self._changed.set()
        if watched := self._watched.get(pod):
            watched.saw_tools()

    async def tools_seen(self, pod: str) -> None:
        """Wait until this Pod has asked for its tools."""
        await until(self._changed, lambda: pod in self._listed)

    # ---- inside

    def _tell(self, watched: Watched) -> None:
        pod, state = watched.host.pod, watched.status.state
        was = self._doing.get(pod)
        self._doing[pod] = state
        self._outbox.agent_status(watched.message())
        if was == "working" and state != "working":
            self.grew(pod)


def read_object(body: bytes) -> dict[str, Any]:
    """What a hook said; an agent that says nothing, or no JSON, still fired it."""
    try:
        data = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
