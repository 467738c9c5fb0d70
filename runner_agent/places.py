"""Where everything of one Pod lies on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from runner_agent.config import Config
from runner_agent.messages import CommandError

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,47}\Z")  # it becomes a directory name and a branch


@dataclass(frozen=True, slots=True)
class Places:
    """`pod` holds what belongs to the Runner; only `home`, `tmp` and `workspace` are the agent's."""

    pod: Path
    workspace: Path

    @property
    def home(self) -> Path:
        return self.pod / "home"

    @property
    def tmp(self) -> Path:
        return self.pod / "tmp"

    @property
    def token(self) -> Path:
        """The Pod's own key, in its HOME, where its jail shows it."""
        return self.home / ".mesh" / "token"

    @property
    def record(self) -> Path:
        """What was started; written before the agent is."""
        return self.pod / "start.json"

    @property
    def prompt(self) -> Path:
        """Exists until the first prompt was typed."""
        return self.pod / "prompt"

    @property
    def typing(self) -> Path:
        """Which text was being typed last, and how: see prompting.py."""
        return self.pod / "typing.json"

    @property
    def confirmed(self) -> Path:
        """Exists once the server has committed the end of this Pod."""
        return self.pod / "confirmed"

    @property
    def git_view(self) -> Path:
        """The Runner's own view of the agent's repository, see git_view.py."""
        return self.pod / "git-view"

    def make(self) -> None:
        for directory in (self.pod, self.home, self.tmp):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def places_of(config: Config, pod: str) -> Places:
    if not _KEY.match(pod):
        raise CommandError("bad_pod", f"{pod!r} is not the key of a Pod.")
    return Places(pod=config.pods / pod, workspace=config.workspaces / pod)
