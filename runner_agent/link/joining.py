"""`mesh-runner enroll`, step by step, and what it answers."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner_agent import config as configs
from runner_agent import lock, settings
from runner_agent.agents import available
from runner_agent.config import Config
from runner_agent.jail import confine
from runner_agent.link.enroll import EnrollError, enroll
from runner_agent.messages import InstalledAgent
from runner_agent.settings import ConfigError


@dataclass(frozen=True, slots=True)
class Wanted:
    server: str
    token: str
    name: str = ""
    labels: tuple[str, ...] = ()
    capacity: int | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """`problem` says why no Pod can run yet; empty when one can."""

    runner: str
    runner_id: int
    server: str
    home: str
    agents: tuple[InstalledAgent, ...]
    isolation: str
    isolation_problem: str
    problem: str

    def data(self) -> dict[str, Any]:
        return {**asdict(self), "ready": not self.problem}

    def text(self) -> str:
        found = [f"{agent.slug} {agent.version or agent.problem}".strip() for agent in self.agents]
        without = f" ({self.isolation_problem})" if self.isolation_problem else ""
        return "\n".join(
            [
                f"{self.runner} is a Runner of {self.server}.",
                f"Agents found: {', '.join(found) or 'none; shell and demo come with the Runner'}",
                f"Isolation: {self.isolation}{without}",
                f"Not ready: {self.problem}"
                if self.problem
                else "Ready. Start it: mesh-runner run",
            ]
        )


def join(config: Config, wanted: Wanted, say: Callable[[str], None]) -> Joined:
    """Raises EnrollError, ConfigError, AlreadyRunningError."""
    if config.enrolled and not wanted.force:
        raise EnrollError(
            f"This machine is enrolled already: Runner {config.runner_name} of {config.server}."
            " To enroll it again as a new Runner add --force."
        )
    if not wanted.token.strip():
        raise EnrollError(
            "An enrollment token is missing: give --token or --token-file, or set MESH_ENROLLMENT_TOKEN."
            " The Runners page makes one."
        )
    config.prepare()
    with lock.alone(config):
        say(f"Asking {wanted.server} …")
        enroll(config, server=wanted.server, token=wanted.token, name=wanted.name)
        _keep_settings(config, wanted)
    say("Looking for agents …")
    return asyncio.run(_look_around(configs.load(config.home)))


def read_token(path: Path) -> str:
    """Raises EnrollError."""
    try:
        return Path("/dev/stdin" if str(path) == "-" else path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise EnrollError(f"The token file {path} cannot be read: {error}.") from error


def _keep_settings(config: Config, wanted: Wanted) -> None:
    changes: dict[str, Any] = {}
    if wanted.labels:
        try:
            changes["labels"] = settings.read_labels(list(wanted.labels))
        except ValueError as error:
            raise ConfigError(f"--label: {error}") from error
    if wanted.capacity is not None:
        changes["capacity"] = wanted.capacity
    settings.change(config.config_file, **changes)


async def _look_around(config: Config) -> Joined:
    agents = await available.look(config)
    isolation = await confine.detect(config)
    git = shutil.which("git", path=config.path)
    return Joined(
        runner=config.runner_name,
        runner_id=config.enrolled.runner_id if config.enrolled else 0,
        server=config.server,
        home=str(config.home),
        agents=agents,
        isolation=isolation.level,
        isolation_problem=isolation.problem,
        problem="" if git else "git is missing. Install the package `git`.",
    )
