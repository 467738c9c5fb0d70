"""Which agents this machine has or could install, and why not; remembered, for asking each its version takes seconds."""

import asyncio
import importlib.util
import json
from dataclasses import asdict

from runner_agent.agents import node, prefixes
from runner_agent.agents.on_path import OnPath
from runner_agent.config import Config
from runner_agent.messages import InstalledAgent
from runner_agent.settings import replace_file

PROGRAMS = ("claude", "codex", "gemini", "opencode", "aider", "bash")
ASKED_AT_ONCE = 2  # starting them takes whole cores
HAS_VENV = bool(
    importlib.util.find_spec("venv")
    and (importlib.util.find_spec("pip") or importlib.util.find_spec("ensurepip"))
)
_NO_VENV = (
    "This Runner's Python cannot make virtual environments: install its venv package"
    " (Debian: apt install python3-venv)."
)


def remembered(config: Config) -> tuple[InstalledAgent, ...] | None:
    """As of the last look; None before the first."""
    if not config.agents_file.exists():
        return None
    return tuple(InstalledAgent(**held) for held in json.loads(config.agents_file.read_text()))


async def look(config: Config, on_path: OnPath | None = None) -> tuple[InstalledAgent, ...]:
    """Programs on the PATH, what the Runner installed, and as "install:npm" and its like what it can install."""
    found = (*await _programs(on_path or OnPath(config)), *_prefixes(config), *_installers(config))
    replace_file(config.agents_file, json.dumps([asdict(agent) for agent in found]).encode())
    return found


async def _programs(on_path: OnPath) -> list[InstalledAgent]:
    room = asyncio.Semaphore(ASKED_AT_ONCE)

    async def ask(program: str) -> InstalledAgent | None:
        async with room:
            return await on_path.look(program)

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(program)) for program in PROGRAMS]
    return [found for task in asked if (found := task.result())]


def _prefixes(config: Config) -> list[InstalledAgent]:
    return [
        InstalledAgent(one.slug, one.version, str(one.prefix(config) / "bin" / one.program))
        for one in prefixes.everything(config)
    ]


def _installers(config: Config) -> list[InstalledAgent]:
    problems = {
        "npm": node.problem(config, can_pip=HAS_VENV),
        "pip": "" if HAS_VENV else _NO_VENV,
        "command": "",
    }
    return [InstalledAgent(f"install:{kind}", problem=why) for kind, why in problems.items()]
