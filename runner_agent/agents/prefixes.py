"""What the Runner installed: `<home>/agents/<slug>/<version>/`, with the program in `bin`.

Names that begin with a dot are drafts, locks, caches and tools. A directory without one is whole: it was renamed there.
"""

import itertools
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runner_agent.agents import versions
from runner_agent.agents.program import Program
from runner_agent.agents.spec import Install
from runner_agent.config import Config
from runner_agent.workspaces import removal

_NOTE = "installed.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class Installed:
    """`needs`: tools beside it that it runs with, as directories below `agents`. `checksum`: what it was found to have.

    `directory` is its version, unless another package of that version was there before.
    """

    slug: str
    version: str
    program: str
    kind: str
    package: str = ""
    size: int = 0  # bytes
    needs: tuple[str, ...] = ()
    checksum: str = ""
    directory: str = ""

    def prefix(self, config: Config) -> Path:
        return config.agents / self.slug / self.directory

    def is_wanted(self, wanted: Install) -> bool:
        return (
            (self.kind, self.package, self.program) == (wanted.kind, wanted.package, wanted.program)
            and wanted.checksum in ("", self.checksum)
            and versions.is_wanted(self.version, wanted.version)
        )

    def as_program(self, config: Config) -> Program:
        shown = tuple(config.agents / need for need in self.needs)
        return Program(self.version, self.prefix(config), shown)


def find(config: Config, slug: str, wanted: Install) -> Installed | None:
    """The newest that is wanted."""
    fitting = [one for one in of(config, slug) if one.is_wanted(wanted)]
    return max(fitting, key=lambda one: versions.order(one.version), default=None)


def of(config: Config, slug: str) -> list[Installed]:
    notes = sorted((config.agents / slug).glob(f"[!.]*/{_NOTE}"))
    return [_read(note) for note in notes]


def everything(config: Config) -> list[Installed]:
    slugs = sorted(path.name for path in config.agents.glob("[!.]*") if path.is_dir())
    return [one for slug in slugs for one in of(config, slug)]


def finish(config: Config, draft: Path, installed: Installed) -> Installed:
    """From now on it is there. OSError when it cannot be."""
    if not _NAME.match(installed.version):
        raise OSError(f"{installed.version!r} cannot name a directory")
    (draft / _NOTE).write_text(json.dumps(asdict(installed)))
    for number in itertools.count(1):
        name = f"{installed.version}-{number}" if number > 1 else installed.version
        place = config.agents / installed.slug / name
        if not place.exists():
            draft.rename(place)
            break
    return replace(installed, directory=name)


def _read(note: Path) -> Installed:
    held = json.loads(note.read_bytes())
    return Installed(**{**held, "needs": tuple(held["needs"]), "directory": note.parent.name})


def remove(config: Config, installed: Installed) -> None:
    removal.remove(installed.prefix(config), config.trash)


def in_use(config: Config) -> set[str]:
    """Directories that Pods still run from."""
    used: set[str] = set()
    for record in config.pods.glob("*/start.json"):
        if not (record.parent / "exit.json").exists():
            used |= set(json.loads(record.read_bytes()).get("shown", ()))
    return used
