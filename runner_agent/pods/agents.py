"""Which coding agents are installed on this machine."""

import asyncio
import re
import shutil
from pathlib import Path

from runner_agent.config import Config
from runner_agent.jail import execute
from runner_agent.messages import InstalledAgent

SLUGS = ("claude", "codex", "gemini", "opencode", "aider", "bash")
VERSION_TIMEOUT_S = 10.0  # node and Python programs take a second or two when cold
ASKED_AT_ONCE = 2  # starting them takes whole cores
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")


def present(config: Config) -> list[InstalledAgent]:
    """At once, without versions: what lies on the PATH."""
    found = ((slug, shutil.which(slug, path=config.path)) for slug in SLUGS)
    return [InstalledAgent(slug, path=path) for slug, path in found if path]


async def find(config: Config) -> list[InstalledAgent]:
    """With their versions; takes seconds. One that cannot say its version has a `problem`."""
    room = asyncio.Semaphore(ASKED_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_ask(config, agent, room)) for agent in present(config)]
    return [task.result() for task in asked]


async def _ask(config: Config, agent: InstalledAgent, room: asyncio.Semaphore) -> InstalledAgent:
    async with room:
        try:
            said = await execute.run(
                (agent.path, "--version"),
                cwd=Path("/"),
                env={"PATH": config.path, "HOME": str(config.home), "LANG": "C.UTF-8"},
                timeout_s=VERSION_TIMEOUT_S,
                limit=4096,
            )
        except OSError as error:
            problem = f"{agent.path} cannot be run: {error.strerror}"
            return InstalledAgent(agent.slug, path=agent.path, problem=problem)
    text = (said.stdout + said.stderr).decode(errors="replace").strip()
    if said.timed_out:
        problem = f"--version took more than {VERSION_TIMEOUT_S:.0f} seconds"
    elif said.exit_code != 0:
        problem = text.partition("\n")[0][:200] or f"--version ended with {said.exit_code}"
    else:
        found = _VERSION.search(text)
        return InstalledAgent(agent.slug, found[0] if found else "", agent.path)
    return InstalledAgent(agent.slug, path=agent.path, problem=problem)
