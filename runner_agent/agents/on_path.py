"""Programs on the PATH and their versions; asking one takes up to seconds, so answers are kept while it stays as it is."""

import os
import shutil
from pathlib import Path

from runner_agent.agents import versions
from runner_agent.config import Config
from runner_agent.jail import execute
from runner_agent.messages import InstalledAgent

VERSION_TIMEOUT_S = 10.0  # node and Python programs take a second or two when cold

_Stamp = tuple[str, int, int]


class OnPath:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._asked: dict[_Stamp, InstalledAgent] = {}

    async def look(self, program: str) -> InstalledAgent | None:
        """None: it is not there. With a `problem` when it cannot say its version."""
        path = shutil.which(program, path=self._config.path)
        return await self._ask_once(program, path) if path else None

    async def _ask_once(self, slug: str, path: str) -> InstalledAgent:
        held = os.stat(path)  # noqa: PTH116 - a moment
        stamp = (path, held.st_mtime_ns, held.st_size)
        if stamp not in self._asked:
            self._asked[stamp] = await self._ask(slug, path)
        return self._asked[stamp]

    async def _ask(self, slug: str, path: str) -> InstalledAgent:
        try:
            said = await execute.run(
                (path, "--version"),
                cwd=Path("/"),
                env={"PATH": self._config.path, "HOME": str(self._config.home), "LANG": "C.UTF-8"},
                timeout_s=VERSION_TIMEOUT_S,
                limit=4096,
            )
        except OSError as error:
            return InstalledAgent(
                slug, path=path, problem=f"{path} cannot be run: {error.strerror}"
            )
        text = (said.stdout + said.stderr).decode(errors="replace").strip()
        if said.timed_out:
            problem = f"--version took more than {VERSION_TIMEOUT_S:.0f} seconds"
        elif said.exit_code != 0:
            problem = text.partition("\n")[0][:200] or f"--version ended with {said.exit_code}"
        else:
            return InstalledAgent(slug, versions.found_in(text), path)
        return InstalledAgent(slug, path=path, problem=problem)
