"""What lies in a Pod's own directories before its agent starts, and what of it goes when the Pod ends."""

import logging
import shlex
from pathlib import Path, PurePath

from runner_agent.agents import private_files
from runner_agent.agents.launch import ReadyFile, below
from runner_agent.config import Config
from runner_agent.messages import CommandError
from runner_agent.places import Places
from runner_agent.workspaces import removal

_GITCONFIG = """\
[user]
\tname = {pod}
\temail = {pod}@mesh.invalid
[init]
\tdefaultBranch = main
"""

logger = logging.getLogger(__name__)


def own_files(places: Places, pod: str, token: str) -> tuple[ReadyFile, ...]:
    """What every Pod has."""
    key = places.token.relative_to(places.home)
    return (
        ReadyFile(places.home, PurePath(".gitconfig"), _GITCONFIG.format(pod=pod).encode(), 0o644),
        ReadyFile(places.home, key, token.encode(), 0o600, is_private=True),
    )


def furnish(places: Places, path: str, files: tuple[ReadyFile, ...]) -> None:
    """CommandError not_written when something of the agent's is in the way."""
    profile = (
        f"export PATH={shlex.quote(path)}\n".encode()
    )  # a login shell has forgotten it by then
    for name in (".profile", ".zprofile"):
        ReadyFile(places.home, PurePath(name), profile, 0o644).write()
    for file in files:
        file.write()


def clear(config: Config, places: Places, private: tuple[str, ...]) -> None:
    """Remove what holds a secret; what is gone already is fine."""
    for word in private:
        try:
            root, relative = below(Path(word), places)
            private_files.remove(root, relative)
        except (OSError, CommandError) as error:
            logger.warning("%s of an ended Pod could not be removed: %s", word, error)
    removal.remove(places.files, config.trash)
