"""From a declaration to what one Pod is given: its words, its environment, its files."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from runner_agent.agents import private_files
from runner_agent.agents.placeholders import AbsentError, Filler, SecretHereError, has_secret
from runner_agent.agents.spec import PlacedFile
from runner_agent.agents.start import AgentStart
from runner_agent.messages import CommandError
from runner_agent.places import Places

_QUOTED = (".json", ".jsonc", ".toml")  # whose values stand in strings with backslashes


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """`root` is a directory of the Pod; `is_private`: it holds a secret."""

    root: Path
    relative: PurePath
    data: bytes = field(repr=False)
    mode: int
    is_private: bool = False

    @property
    def path(self) -> Path:
        return self.root / self.relative

    def write(self) -> None:
        """CommandError when what the agent put there is in the way."""
        try:
            private_files.write(self.root, self.relative, self.data, self.mode)
        except OSError as error:
            raise CommandError(
                "not_written",
                f"{self.path} cannot be written: {error.strerror}. Remove what is there.",
            ) from error


@dataclass(frozen=True, slots=True)
class Prepared:
    """`before` is run once before `argv`."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    files: tuple[ReadyFile, ...]
    before: tuple[str, ...] = ()


def values_of(pod: str, places: Places, mcp_url: str, start: AgentStart) -> dict[str, str]:
    return {
        "session": start.session,
        "resume": start.conversation or start.session,
        "home": str(places.home),
        "workspace": str(places.workspace),
        "files": str(places.files),
        "mcp_url": mcp_url,
        "token_file": str(places.token),
        "model": start.model,
        "pod": pod,
        "forked_home": "",
        "forked_workspace": "",
    }


def prepare(
    start: AgentStart, argv: tuple[str, ...], places: Places, values: Mapping[str, str]
) -> Prepared:
    """Nothing is written yet. CommandError bad_payload for a secret where others could read it, and for a file
    outside of `home` and `files`."""
    filler = Filler(values, start.secrets)
    try:
        return Prepared(
            argv=tuple(filler.word(word) for word in argv),
            env=_environment(start, filler),
            files=tuple(_ready(placed, places, filler) for placed in start.spec.files),
            before=tuple(filler.word(word) for word in start.words_before),
        )
    except SecretHereError as error:
        raise CommandError(
            "bad_payload",
            f"A secret may only stand in a variable or a private file, not in “{error}”.",
        ) from error


def _environment(start: AgentStart, filler: Filler) -> dict[str, str]:
    """A variable whose secret was not given is left out."""
    env = {}
    for name, text in start.spec.launch.env.items():
        with suppress(AbsentError):
            env[name] = filler.variable(text)
    given = start.spec.credentials.variables.items()
    return env | {name: start.secrets[part] for part, name in given if start.secrets.get(part)}


def _ready(placed: PlacedFile, places: Places, filler: Filler) -> ReadyFile:
    root, relative = below(PurePath(filler.word(placed.path)), places)
    mode, is_private = int(placed.mode, 8), has_secret(placed.content)
    if is_private and mode & 0o077:
        raise CommandError(
            "bad_payload", f"{placed.path} holds a secret: its mode is 0600, not {placed.mode}."
        )
    content = filler.content(placed.content, quoted=relative.suffix in _QUOTED)
    return ReadyFile(root, relative, content.encode(), mode, is_private)


def below(path: PurePath, places: Places) -> tuple[Path, PurePath]:
    """Which of the Pod's own directories it lies in, and where there. Never in the Workspace."""
    for root in (places.home, places.files):
        if path.is_relative_to(root) and path != root and ".." not in path.parts:
            return root, path.relative_to(root)
    raise CommandError(
        "bad_payload", f"{path} is no place for a file: it belongs below {{home}} or {{files}}."
    )
