"""`mesh-runner status`: what the files of this home say. Asks nobody and disturbs nothing."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from runner_agent import __version__, lock
from runner_agent.config import Config
from runner_agent.link import identity, status
from runner_agent.link.identity import IdentityError
from runner_agent.update.releases import Releases


@dataclass(frozen=True, slots=True)
class Overview:
    """`link` is "stopped" while no daemon runs; `certificate` says until when, or what is wrong with it."""

    version: str
    home: str
    runner: str
    server: str
    labels: dict[str, str]
    capacity: int
    certificate: str
    daemon: int | None
    link: str
    since: str
    gateway: str
    text: str
    pods: tuple[str, ...]

    @property
    def attached(self) -> bool:
        return self.link == "attached"

    def data(self) -> dict[str, Any]:
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """For people: a word, and what is to be said about it."""
        runs = f"process {self.daemon}" if self.daemon else "does not run: mesh-runner run"
        since = f" since {self.since}" if self.since else ""
        link = " ".join(filter(None, [self.link, self.gateway])) + since
        labels = " ".join(f"{name}={value}" for name, value in self.labels.items())
        return [
            ("Runner", self.runner or "not enrolled: mesh-runner enroll"),
            ("Server", self.server),
            ("Daemon", runs),
            ("Link", f"{link}\n{self.text}".strip()),
            ("Certificate", self.certificate),
            ("Pods", f"{len(self.pods)} of {self.capacity}"),
            ("Labels", labels),
            ("Home", self.home),
            ("Version", self.version),
        ]


def look(config: Config) -> Overview:
    daemon = lock.holder(config)
    told = status.read(config.status_file)
    refused = told is not None and told.state == "refused"
    shown = told if told and (daemon or refused) else None
    return Overview(
        version=Releases(config.home).current or __version__,
        home=str(config.home),
        runner=config.runner_name,
        server=config.server,
        labels=config.labels,
        capacity=config.capacity,
        certificate=_certificate(config),
        daemon=daemon,
        link=shown.state if shown else "stopped",
        since=shown.since if shown else "",
        gateway=shown.gateway if shown else "",
        text=shown.text if shown else "",
        pods=_living(config),
    )


def _certificate(config: Config) -> str:
    try:
        mine = identity.load(config)
    except IdentityError as error:
        return str(error)
    word = "valid until" if mine.left(datetime.now(UTC)).total_seconds() > 0 else "expired on"
    return f"{word} {mine.not_after:%Y-%m-%d %H:%M} UTC, renewed from {mine.renew_at:%Y-%m-%d}"


def _living(config: Config) -> tuple[str, ...]:
    """Pods that were started and have left no word of their end."""
    directories = sorted(config.pods.iterdir()) if config.pods.exists() else []
    return tuple(
        pod.name
        for pod in directories
        if (pod / "meta.json").exists() and not (pod / "exit.json").exists()
    )
