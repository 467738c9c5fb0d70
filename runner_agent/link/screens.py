"""The last screen of each Pod, told to the server now and then: what is shown while this Runner is away."""

import asyncio
import json

from runner_agent.link.link import Link
from runner_agent.messages import KeptScreen
from runner_agent.outbox import Outbox
from runner_agent.terminals.hosts import PodHosts
from runner_agent.terminals.terminals import Terminals, UnknownPodError

LOOK_S = 2.0  # so old is the screen of a Runner that died
SCREENS_AT_ONCE = 20  # at most so many each time: they share the Session with heartbeats
SCREEN_MAX = 64 * 1024  # bytes of JSON; the server keeps no larger one


class KeptScreens:
    def __init__(self, hosts: PodHosts, terminals: Terminals, outbox: Outbox) -> None:
        self._hosts, self._terminals, self._outbox = hosts, terminals, outbox
        self._told: dict[str, int] = {}  # Pod: end of its Terminal when told; longest ago first

    async def keep(self, link: Link) -> None:
        """Tell while a Session is up, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if link.live:
                await self.tell(SCREENS_AT_ONCE)

    async def tell(self, most: int) -> None:
        """Of living Pods whose Terminal has grown since they were told; those that waited longest first."""
        ends = {h.pod: h.end for h in self._hosts if h.exit_code is None and not h.lost}
        self._told = {pod: end for pod, end in self._told.items() if pod in ends}
        order = [*(pod for pod in ends if pod not in self._told), *self._told]
        for pod in [pod for pod in order if self._told.get(pod) != ends[pod]][:most]:
            self._told.pop(pod, None)
            self._told[pod] = ends[pod]
            try:
                screen = await self._terminals.screen(pod)
            except UnknownPodError:
                continue  # removed meanwhile
            if len(json.dumps(screen)) <= SCREEN_MAX:
                self._outbox.kept_screen(KeptScreen(pod, screen))
