"""The rules of the built-in agent types, as a Runner gets them."""

import tomllib
from pathlib import Path

from runner_agent.agents.spec import AgentSpec

TYPES = Path(__file__).parents[3] / "pods" / "agent_types"
PARTS = ("slug", "ready", "prompt", "status", "answers", "interrupt")


def built_in(slug: str) -> AgentSpec:
    held = tomllib.loads((TYPES / f"{slug}.toml").read_text())
    return AgentSpec.from_payload({name: held[name] for name in PARTS if name in held})
