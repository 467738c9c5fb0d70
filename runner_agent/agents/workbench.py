"""What every kind of installer is given: a draft directory, an environment without secrets, a way to run programs."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner_agent.agents import causes, process
from runner_agent.config import Config
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.messages import CommandError
from runner_agent.workspaces import removal

_TO_ALL = re.compile(r"(?i)(https?|all|no)_proxy$|SSL_CERT_")
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
    isolation: Isolation
    quiet: Callable[[], str] = str  # what there is to say while an installer says nothing

    @property
    def caches(self) -> Path:
        return self.config.agents / ".cache"

    async def run(
        self, argv: Sequence[str], env: Mapping[str, str], *, is_ours: bool = True
    ) -> process.Ended:
        """CommandError agent_install_failed, with the cause, unless it ends with 0. What is not ours gets
        nothing that may hold a password."""
        place = process.Place(
            cwd=self.draft,
            env=self._environment(env, is_ours),
            lock=self.lock,
            on_line=self.say,
            on_quiet=self._say_quiet,
        )
        try:
            ended = await process.run(argv, place)
        except OSError as error:
            raise self.failed(f"{argv[0]} cannot be run: {error.strerror}.") from error
        if ended.exit_code:
            raise causes.of(self.name, self.what, ended, self.room_text())
        return ended

    def _say_quiet(self) -> None:
        if text := self.quiet():
            self.say(text)

    def confined(self, *argv: str) -> tuple[str, ...]:
        """To run what came from elsewhere: it sees the draft, the machine's programs and the tools of the Runner."""
        tools = [self.config.agents / name for name in (".node", ".npm")]
        spec = Confinement(
            cwd=self.draft,
            writable=(self.draft,),
            readable=tuple(path for path in tools if path.exists()),
        )
        return (*self.isolation.confine(spec), *argv)

    @contextmanager
    def home(self) -> Iterator[Path]:
        """An empty HOME, gone afterwards."""
        home = self.draft / ".home"
        home.mkdir()
        try:
            yield home
        finally:
            removal.remove(home, self.config.trash)

    def _environment(self, given: Mapping[str, str], is_ours: bool) -> dict[str, str]:  # noqa: FBT001
        """Of the Runner's own only what says how to reach a registry."""
        settings = {
            name: value
            for name, value in self.config.registry_settings.items()
            if is_ours or (_TO_ALL.match(name) and "@" not in value)
        }
        return {
            **settings,
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
