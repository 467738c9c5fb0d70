"""The last screen of each Pod, told to the server now and then: what is shown while this Runner is away."""

import asyncio
import json

from runner_agent.hosts import PodHosts
from runner_agent.link import Link
from runner_agent.messages import KeptScreen
from runner_agent.outbox import Outbox
from runner_agent.terminals import Terminals

LOOK_S = 10.0
SCREENS_AT_ONCE = 20  # at most so many each time: they share the Session with heartbeats
SCREEN_MAX = 64 * 1024  # bytes of JSON; the server keeps no larger one


async def keep_screens(link: Link, hosts: PodHosts, terminals: Terminals, outbox: Outbox) -> None:
    """Of Pods whose Terminal has grown since; those that waited longest come first. Until cancelled."""
    told: dict[str, int] = {}  # Pod: end of its Terminal when it was told, longest ago first
    while True:
        await asyncio.sleep(LOOK_S)
        if not link.live:
            continue
        ends = {host.pod: host.end for host in hosts if host.exit_code is None and not host.lost}
        told = {pod: end for pod, end in told.items() if pod in ends}
        order = [*(pod for pod in ends if pod not in told), *told]
        for pod in [pod for pod in order if told.get(pod) != ends[pod]][:SCREENS_AT_ONCE]:
            told.pop(pod, None)
            told[pod] = ends[pod]
            screen = await terminals.screen(pod)
            if len(json.dumps(screen)) <= SCREEN_MAX:
                outbox.kept_screen(KeptScreen(pod, screen))
