"""The environment of a Pod: made anew from an allow-list, nothing inherited."""

import os
import pwd
import re
import shutil
from collections.abc import Mapping

from runner_agent.config import Config
from runner_agent.messages import CommandError
from runner_agent.places import Places

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OURS = frozenset({"HOME", "TMPDIR", "MESH_POD", "MESH_RUNNER", "MESH_MCP_URL", "MESH_TOKEN_FILE"})
_LOADER = re.compile(
    r"LD_|GLIBC_TUNABLES|GCONV_PATH"
)  # would load code into bwrap, outside the jail


def environment(
    config: Config, places: Places, pod: str, given: Mapping[str, str], door: str = ""
) -> dict[str, str]:
    """`given` is the Pod's own: it cannot change HOME and its like, nor what comes first on the PATH.

    `door`: URL of the tools.
    """
    check(given)
    made = {
        "PATH": config.path,
        "LANG": config.language if "UTF-8" in config.language.upper() else "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "USER": _user(),
        "SHELL": shutil.which("bash", path=config.path) or "/bin/sh",
    }
    made |= {name: value for name, value in given.items() if name not in _OURS}
    made |= {
        "PATH": f"{config.bin}{os.pathsep}{made['PATH']}",
        "HOME": str(places.home),
        "TMPDIR": str(places.tmp),
        "MESH_POD": pod,
        "MESH_RUNNER": config.runner_name,
        "MESH_MCP_URL": door,
        "MESH_TOKEN_FILE": str(places.token),
    }
    return made


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(os.getuid())


def check(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if not _NAME.match(name) or not isinstance(value, str) or "\0" in value:
            raise CommandError("bad_env", f"{name!r} cannot be an environment variable.")
        if not _is_text(value):
            raise CommandError("bad_env", f"The value of {name} is no text.")
        if _LOADER.match(name):
            raise CommandError("bad_env", f"{name} is not taken: set it inside the Pod's shell.")


def _is_text(value: str) -> bool:
    """What a program can be given; else the error would quote it, and it may be a secret."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
