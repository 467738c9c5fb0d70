"""Reads agents' usage when their records have grown, and tells it: at the end of a turn, now and then in a long one,
and when the Pod has ended."""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

from runner_agent.agent_messages import AgentUsage
from runner_agent.agents.spec import AgentSpec
from runner_agent.agents.usage.readers import KINDS, Reader
from runner_agent.agents.usage.totals import Totals
from runner_agent.agents.watch import AgentWatch
from runner_agent.outbox import Outbox
from runner_agent.places import Places

WRITTEN_S = 1.0  # an agent writes down its last answer a moment after it is idle
LONG_TURN_S = 30.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    """`before`: what the records said when the Pod was started; None: not looked at yet."""

    reader: Reader
    places: Places
    before: Totals | None
    told: Totals = field(default_factory=Totals)


class UsageKeeper:
    def __init__(self, outbox: Outbox, watch: AgentWatch) -> None:
        self._outbox, self._watch = outbox, watch
        self._kept: dict[str, _Kept] = {}
        watch.on_session.append(self.say_again)

    def attend(self, pod: str, spec: AgentSpec, places: Places) -> None:
        """Looked at once now: its HOME may be that of an earlier Pod, whose usage is not its own."""
        reader = _reader(spec, places)
        if reader is not None:
            self._kept[pod] = _Kept(reader, places, _noted(places))
            self._watch.grew(pod)

    def say_again(self) -> None:
        """For a new Session."""
        for pod, kept in self._kept.items():
            if not kept.told.is_empty:
                self._outbox.agent_usage(AgentUsage(pod, kept.told.told()))

    async def keep(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_at_long_turns())
            while True:
                await self._watch.has_grown.wait()
                self._watch.has_grown.clear()
                grown, self._watch.records_grown = self._watch.records_grown, set()
                mine = grown & self._kept.keys()
                new = {pod for pod in mine if self._kept[pod].before is None}
                for pod in new:
                    await self._look(pod)
                if mine != new:
                    await asyncio.sleep(WRITTEN_S)
                for pod in mine - new:
                    await self._look(pod)

    async def _look_at_long_turns(self) -> None:
        while True:
            await asyncio.sleep(LONG_TURN_S)
            for each in self._watch:
                if each.status.state == "working":
                    self._watch.grew(each.host.pod)

    async def _look(self, pod: str) -> None:
        kept = self._kept[pod]
        try:
            totals = await asyncio.to_thread(kept.reader.read)
        except Exception:  # the root of this work; a stranger's file must not end the daemon
            logger.exception("the usage of %s cannot be read", pod)
            return
        if kept.before is None:
            kept.before = totals
            _note(kept.places, totals)
        used = totals.since(kept.before)
        if used != kept.told and not used.is_empty:
            kept.told = used
            self._outbox.agent_usage(AgentUsage(pod, used.told()))
        if self._watch.get(pod) is None:
            self._kept.pop(pod, None)


def _reader(spec: AgentSpec, places: Places) -> Reader | None:
    """Records lie below the HOME or in the Workspace; nowhere else is looked.

    Those of every conversation: a person may begin another one in the agent.
    """
    kind = KINDS.get(spec.usage.kind)
    for place, root in (("{home}/", places.home), ("{workspace}/", places.workspace)):
        if kind and spec.usage.path.startswith(place):
            return kind(root, spec.usage.path.removeprefix(place).replace("{session}", "*"))
    return None


def _place(places: Places) -> Path:
    return places.pod / "usage-before.json"


def _noted(places: Places) -> Totals | None:
    try:
        return Totals(**json.loads(_place(places).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _note(places: Places, totals: Totals) -> None:
    _place(places).write_text(json.dumps(asdict(totals)))
