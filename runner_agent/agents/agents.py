"""The agents of this machine: found on the PATH, or installed by the Runner."""

import shutil
from collections.abc import Callable, Mapping

from runner_agent.agents.program import Program
from runner_agent.agents.spec import AgentSpec
from runner_agent.config import Config
from runner_agent.messages import CommandError

Say = Callable[[str], None]


class Agents:
    def __init__(self, config: Config) -> None:
        self._config = config

    async def provide(self, spec: AgentSpec, env: Mapping[str, str], say: Say) -> Program:
        """The agent's program, installed if need be. CommandError agent_install_failed, agent_missing."""
        wanted = spec.install
        if wanted.kind == "none" and wanted.program:
            path = env.get("PATH", self._config.path)
            if shutil.which(wanted.program, path=path) is None:
                raise CommandError(
                    "agent_missing",
                    f"{wanted.program} is not on the PATH of this Runner: install it there.",
                )
        return Program()
