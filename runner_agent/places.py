"""Where everything of one Pod lies on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from runner_agent.config import Config
from runner_agent.messages import CommandError

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,47}\Z")  # it becomes a directory name and a branch


@dataclass(frozen=True, slots=True)
class Places:
    """`pod` holds what belongs to the Runner; only `home`, `tmp` and `workspace` are the agent's.

    A resumed Pod has `workspace` and `home` of the Pod it goes on from, at the same paths: agents note them down.
    """

    pod: Path
    workspace: Path
    home: Path

    @property
    def tmp(self) -> Path:
        return self.pod / "tmp"

    @property
    def token(self) -> Path:
        """The Pod's own key, in its HOME, where its jail shows it."""
        return self.home / ".mesh" / "token"

    @property
    def files(self) -> Path:
        """What an agent type places for this Pod alone; shown read-only, gone when the Pod ends."""
        return self.pod / "files"

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
        for directory in (self.pod, self.home, self.tmp, self.files):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def places_of(config: Config, pod: str, root: str = "") -> Places:
    """`root`: the first of the Pods that went on from each other, if this is not the first itself."""
    first = root or pod
    for key in (pod, first):
        _check_key(key)
    return Places(config.pods / pod, config.workspaces / first, config.homes / first)


def _check_key(pod: str) -> None:
    if not _KEY.match(pod):
        raise CommandError("bad_pod", f"{pod!r} is not the key of a Pod.")
