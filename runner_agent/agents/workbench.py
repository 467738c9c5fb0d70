"""What every kind of installer is given: a draft directory, an environment without secrets, a way to run programs."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner_agent.agents import causes, process
from runner_agent.config import Config
from runner_agent.messages import CommandError

_ROOM_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Workbench:
    """`name` and `what` (the package as asked for) are for sentences; `room` is what the disk should have free."""

    config: Config
    draft: Path
    lock: int
    name: str
    what: str
    room: int
    say: Callable[[str], None]

    @property
    def caches(self) -> Path:
        return self.config.agents / ".cache"

    async def run(self, argv: Sequence[str], env: Mapping[str, str]) -> process.Ended:
        """CommandError agent_install_failed, with the cause, unless it ends with 0."""
        place = process.Place(self.draft, self.environment(env), self.lock, self.say)
        try:
            ended = await process.run(argv, place)
        except OSError as error:
            raise self.failed(f"{argv[0]} cannot be run: {error.strerror}.") from error
        if ended.exit_code:
            raise causes.of(self.name, self.what, ended, self.room_text())
        return ended

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Of the Runner's own only what says how to reach a registry."""
        return {
            **self.config.registry_settings,
            "PATH": self.config.path,
            "LANG": "C.UTF-8",
            "HOME": os.path.expanduser("~"),  # noqa: PTH111 - Path.home() fails for a user without a name
            **given,
        }

    def room_text(self) -> str:
        disk = os.statvfs(self.config.agents)
        free = disk.f_bavail * disk.f_frsize
        return (
            f"it needs about {_gib(self.room)} ({self.room} bytes) below {self.config.agents},"
            f" {_gib(free)} are free. Make room: `mesh-runner agents remove` removes versions that no Pod uses."
        )

    def check_room(self) -> None:
        disk = os.statvfs(self.config.agents)
        if disk.f_bavail * disk.f_frsize < self.room:
            raise self.failed(f"the disk is full: {self.room_text()}")

    def failed(self, why: str) -> CommandError:
        return causes.failed(self.name, why)


def _gib(size: int) -> str:
    return f"{size / _ROOM_GIB:.1f} GiB"
