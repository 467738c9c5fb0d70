"""A login that the Runner's user has, lent to one Pod: a copy of its files, taken back when the Pod ends."""

import os
import stat
from pathlib import Path, PurePath

from runner_agent.agents.launch import ReadyFile
from runner_agent.agents.start import AgentStart
from runner_agent.config import Config
from runner_agent.messages import CommandError
from runner_agent.places import Places

FILE_MAX = 1 << 20  # bytes; a login is a few tokens


def files(config: Config, start: AgentStart, places: Places) -> tuple[ReadyFile, ...]:
    """CommandError login_refused, no_login."""
    if not start.use_login:
        return ()
    name = start.spec.name or start.spec.slug
    if not config.allow_login:
        raise CommandError(
            "login_refused",
            "This Runner does not lend its user's logins: set allow_login = true in"
            f" {config.config_file}, or choose a credential set.",
        )
    found = [ready for word in start.spec.credentials.login if (ready := _copy(word, places))]
    if not found:
        raise CommandError(
            "no_login",
            f"The user of this Runner is not logged in to {name}: log in there, or choose a credential set.",
        )
    return tuple(found)


def _copy(word: str, places: Places) -> ReadyFile | None:
    relative = PurePath(word)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise CommandError("bad_payload", f"{word!r} is no file of a login.")
    path = Path(os.path.expanduser("~")) / relative  # noqa: PTH111 - Path.home() fails for a user without a name
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with open(fd, "rb") as file:  # noqa: PTH123 - of a descriptor
        held = os.fstat(fd)
        if not stat.S_ISREG(held.st_mode) or held.st_size > FILE_MAX:
            raise CommandError("bad_payload", f"{path} is no file of a login.")
        data = file.read(FILE_MAX)
    return ReadyFile(places.home, relative, data, 0o600, is_private=True)
