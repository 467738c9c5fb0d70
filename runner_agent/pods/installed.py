"""The agents found on this machine, remembered: asking each for its version takes seconds."""

import json
from dataclasses import asdict

from runner_agent.config import Config
from runner_agent.messages import InstalledAgent
from runner_agent.pods import agents
from runner_agent.settings import replace_file


def remembered(config: Config) -> tuple[InstalledAgent, ...] | None:
    """As of the last look; None before the first."""
    if not config.agents_file.exists():
        return None
    return tuple(InstalledAgent(**held) for held in json.loads(config.agents_file.read_text()))


async def look(config: Config) -> tuple[InstalledAgent, ...]:
    found = tuple(await agents.find(config))
    replace_file(config.agents_file, json.dumps([asdict(agent) for agent in found]).encode())
    return found
