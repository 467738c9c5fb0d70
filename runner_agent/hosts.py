"""The daemon's side of the Pod hosts: spawn, find again after a restart, type, resize, end."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner_agent.config import Config


class HostError(Exception):
    """A Pod host that cannot be started or reached; the message names the cause."""


@dataclass(frozen=True, slots=True)
class Launch:
    """`argv` is run as given (confined by the caller) with exactly `env`."""

    pod: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    cols: int = 80
    rows: int = 24


class PodHost:
    """One Pod's host, living or gone. `end`: bytes its Terminal has produced.

    `exit_code` is None while it runs (negative: ended by that signal); `lost`: the host is gone without a word;
    `asked`: it ended because it was told to. `last_output` is the loop's time of the newest output.
    """

    pod: str
    directory: Path
    pid: int
    end: int
    size: tuple[int, int]  # cols, rows
    exit_code: int | None
    asked: bool
    lost: bool
    last_output: float

    async def input(self, data: bytes, writer: str = "", position: int = 0) -> None:
        """Type; returns when the PTY took all of it. HostError when the Pod has ended."""
        raise NotImplementedError

    def resize(self, cols: int, rows: int) -> None:
        raise NotImplementedError

    def signal(self, signo: int, *, everyone: bool = False) -> None:
        """To the agent's process group, or to every process that descends from the Pod."""
        raise NotImplementedError

    def terminate(self, grace_s: float) -> None:
        """SIGHUP now, SIGTERM at half the grace, SIGKILL at its end; done by the host, so a restart of the
        daemon does not interrupt it. Repeatable; the shortest grace wins. Wait with `ended()`."""
        raise NotImplementedError

    async def ended(self) -> int | None:
        """The exit code; None when the host is lost. No process of the Pod is left then."""
        raise NotImplementedError

    async def output_after(self, offset: int) -> int:
        """Wait until the Terminal has more than `offset` bytes or has ended; the end then."""
        raise NotImplementedError

    async def echo(self) -> bool:
        """Whether the PTY echoes what is typed (a password prompt does not)."""
        raise NotImplementedError


class PodHosts:
    """`async with PodHosts(config) as hosts:` keeps the connections to the hosts; leaving it harms no Pod."""

    def __init__(self, config: Config) -> None:
        self.config = config

    async def __aenter__(self) -> "PodHosts":
        raise NotImplementedError

    async def __aexit__(self, *exc: object) -> None:
        raise NotImplementedError

    async def spawn(self, launch: Launch) -> PodHost:
        """Idempotent by Pod. A command that cannot be run: a host that ended with 127 and said why in its log."""
        raise NotImplementedError

    async def adopt(self) -> list[PodHost]:
        """Every Pod this home knows: living, ended, or lost. At most 0.5 s is spent on each."""
        raise NotImplementedError

    def get(self, pod: str) -> PodHost | None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[PodHost]:
        raise NotImplementedError

    def forget(self, pod: str) -> None:
        """The Pod's directory is about to be removed: close what is open."""
        raise NotImplementedError


def template_argv(config: Config) -> list[str]:
    """The program of the Procfile's `pods`: to be exec'd, in an environment without secrets."""
    raise NotImplementedError


async def end_all(config: Config, grace_s: float = 5.0) -> int:
    """End all Pods of this home without a server; how many ran."""
    async with PodHosts(config) as hosts:
        living = [h for h in await hosts.adopt() if h.exit_code is None and not h.lost]
        for host in living:
            host.terminate(grace_s)
        async with asyncio.TaskGroup() as group:
            for host in living:
                group.create_task(host.ended())
    return len(living)
