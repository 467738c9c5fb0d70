"""The agents in this Runner's Pods, as they are driven: watched, asked, answered, interrupted, and their usage read."""

import asyncio
import logging
from typing import Any

from runner_agent.agents import answering
from runner_agent.agents.usage.keeper import UsageKeeper
from runner_agent.agents.watch import AgentWatch
from runner_agent.agents.watched import Watched
from runner_agent.messages import Command, CommandError, Prompt
from runner_agent.outbox import Outbox
from runner_agent.pods import payloads
from runner_agent.pods.prompting import Delivery
from runner_agent.pods.records import Records
from runner_agent.pods.waiting import ended
from runner_agent.terminals.hosts import PodHost, PodHosts
from runner_agent.terminals.terminals import Terminals

logger = logging.getLogger(__name__)

FIRST = "first"  # the id of a prompt that came with the start


class Driving:
    """`watch` hears of all agents; made by the daemon, since the door speaks to it too."""

    def __init__(
        self,
        hosts: PodHosts,
        records: Records,
        terminals: Terminals,
        outbox: Outbox,
        watch: AgentWatch,
    ) -> None:
        self._hosts, self._records, self._terminals = hosts, records, terminals
        self._outbox, self.watch = outbox, watch
        self.usage = UsageKeeper(outbox, watch)
        self._turns: dict[str, asyncio.Lock] = {}

    async def do(self, command: Command) -> dict[str, Any]:
        """A "prompt", "answer" or "interrupt"; CommandError when it cannot be done."""
        host, watched = self._agent(command.pod)
        match command.kind:
            case "answer":
                return await answering.answer(host, watched, payloads.answer_of(command))
            case "interrupt":
                return await answering.interrupt(host, watched, command.id)
        delivery = self._delivery(host, watched, payloads.prompt_of(command))
        async with self._typing(command.pod):
            steps = await delivery.deliver()
        return {"steps": [step.told() for step in steps]}

    def attend(self, host: PodHost) -> None:
        record = self._records.get(host.pod)
        if record is None:
            return
        places = self._records.places(host.pod)
        self.watch.attend(host, record.agent, places)
        if record.agent is not None:
            self.usage.attend(host.pod, record.agent, places)

    async def type_first(self, host: PodHost) -> None:
        """What lies in `places.prompt`; safe to begin again after a restart."""
        watched, places = self.watch.get(host.pod), self._records.places(host.pod)
        if watched is None:
            return
        prompt = Prompt(host.pod, FIRST, places.prompt.read_text())
        try:
            async with self._typing(host.pod):
                await self._delivery(host, watched, prompt).deliver()
        except CommandError as error:
            logger.info("the prompt of pod %s was not typed: %s", host.pod, error)
        places.prompt.unlink(missing_ok=True)

    def ended(self, pod: str) -> None:
        self._turns.pop(pod, None)
        self.watch.ended(pod)

    def _agent(self, pod: str) -> tuple[PodHost, Watched]:
        host, watched = self._hosts.get(pod), self.watch.get(pod)
        if host is None or watched is None or not host.running:
            raise ended(pod)
        return host, watched

    def _typing(self, pod: str) -> asyncio.Lock:
        """Held while a text is typed into this Pod, or waits for it: they go in, in order, one at a time."""
        return self._turns.setdefault(pod, asyncio.Lock())

    def _delivery(self, host: PodHost, watched: Watched, prompt: Prompt) -> Delivery:
        return Delivery(
            host=host,
            terminals=self._terminals,
            watched=watched,
            places=self._records.places(host.pod),
            prompt=prompt,
            tell=self._outbox.prompt_step,
        )
