"""The programs outside the system's own directories that Pods may run: found on the PATH, shown read-only."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import runner_agent
from runner_agent.config import Config

# Of `prefix/bin` only these parts of `prefix` are shown: `~/.local` also holds keyrings.
_PARTS = ("bin", "sbin", "lib", "lib64", "libexec", "include")
_LINKED = (
    "node",
    "python3",
    "claude",
    "codex",
    "gemini",
    "opencode",
    "aider",
)  # may point elsewhere


def find(config: Config, *, system: Iterable[str]) -> list[Path]:
    """Directories and files; none lies in another, none is the Runner's home or above a user's."""
    found = {Path(runner_agent.__file__).parent}
    for prefix in {sys.prefix, sys.base_prefix}:
        found |= set(_of_directory(Path(prefix) / "bin"))
    for word in config.path.split(os.pathsep):
        if word.startswith("/"):
            found |= set(_of_directory(Path(word)))
            found |= {part for name in _LINKED for part in _of_program(Path(word) / name)}
    known = tuple(Path(one) for one in system)
    person = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() fails for a user without a name
    shown: list[Path] = []
    for path in sorted(found):
        covered = any(path.is_relative_to(one) for one in (*known, *shown, config.home))
        if path.exists() and not covered and not person.is_relative_to(path):
            shown.append(path)
    return shown


def _of_directory(directory: Path) -> Iterator[Path]:
    if (
        directory.name == "shims"
    ):  # pyenv, rbenv, asdf: the shim runs what lies beside its directory
        yield directory.parent
    elif (directory.parent / "pyvenv.cfg").exists():  # a virtual environment holds nothing else
        yield directory.parent
    elif directory.name in _PARTS:
        yield from (directory.parent / part for part in _PARTS)
    else:
        yield directory


def _of_program(program: Path) -> Iterator[Path]:
    if not program.is_symlink() or not program.exists():
        return
    target = program.resolve()
    if target.parent.name in ("bin", "shims"):
        yield from _of_directory(target.parent)
    else:
        yield target.parent
