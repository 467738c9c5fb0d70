"""`mesh-runner update`: asks the server for one, or installs an archive that lies here; and how the newest went."""

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent import __version__, lock, machine
from runner_agent.config import Config
from runner_agent.errors import ToldError
from runner_agent.link import identity, release_stream
from runner_agent.messages import CommandError
from runner_agent.update import archive, journal, manifest, selftest
from runner_agent.update.manifest import ReleaseError
from runner_agent.update.releases import Releases, Trial, order


@dataclass(frozen=True, slots=True)
class Wish:
    version: str = ""
    mode: str = "handover"
    wait_s: int = 0
    after: str = "handover"


def ask(config: Config, wish: Wish) -> str:
    """The version that will come, as a Command of the server's. Raises ToldError."""
    request = pb.UpdateRequest(
        version=wish.version, mode=wish.mode, wait_s=wish.wait_s, after=wish.after
    )
    return asyncio.run(release_stream.ask(config.gateways, identity.load(config), request))


def newest(config: Config) -> dict[str, Any] | None:
    """How the newest update went, or how far it is."""
    found = journal.read(config.update_file)
    return dataclasses.asdict(found) if found else None


def install(config: Config, path: Path, say: Callable[[str], None]) -> str:
    """The version that the Runner's next start tries, guarded like any other. Raises ToldError."""
    if lock.holder(config):
        raise ToldError(
            "The Runner runs. Stop its service, install, and start it again; its Pods go on meanwhile. Or publish the"
            " release on the server, which updates a Runner while it runs."
        )
    signed = manifest.read(path)
    made = manifest.verified(signed, manifest.pinned_key(config.release_key_file))
    _judge(config, made)
    manifest.check_archive(path, made)
    releases = Releases(config.home)
    releases.directory.mkdir(mode=0o700, exist_ok=True)
    archive.check_room(releases, made.unpacked)
    say(f"Installing {made.version} …")
    archive.install(releases, path, made, signed)
    say("Testing it …")
    try:
        asyncio.run(selftest.run(releases.command(made.version, "selftest"), config, made.version))
    except CommandError as error:
        raise ToldError(error.message) from error
    releases.note(Trial(f"archive {made.sha256}", made.version, releases.current, starts=0))
    return made.version


def _judge(config: Config, made: manifest.Manifest) -> None:
    ours = machine.release_platform(), machine.release_python()
    if (made.platform, made.python) != ours:
        raise ReleaseError(
            "other_platform",
            f"It is for {made.platform}, Python {made.python}; this is {ours[0]}, {ours[1]}.",
        )
    runs = max(__version__, Releases(config.home).current or __version__, key=order)
    if order(made.version) <= order(runs):
        raise ReleaseError(
            "downgrade", f"{runs} is installed here already: a release is newer than that."
        )
