"""What this Runner was told: `config.toml` and `enrolled.json` in its home, and MESH_RUNNER_* on top.

The only reader of the environment. `config.toml` belongs to the person who runs the machine; `enrolled.json` is
what the server said at enrollment and renewal.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from runner_agent import machine, settings
from runner_agent.settings import ConfigError, replace_file

LOG_MAX = 1 << 30  # bytes of terminal log kept per Pod


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the server decided at enrollment. `gateways` are host:port, any of them may be dialled."""

    server: str
    runner_id: int
    runner_name: str
    gateways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    home: Path
    sockets: Path  # unix sockets: a short path, mode 0700
    enrolled: Enrolled | None = None
    labels: dict[str, str] = field(default_factory=dict)
    capacity: int = 0  # Pods at once
    repository_roots: tuple[Path, ...] = ()  # local repositories are taken only from below these
    copy_roots: tuple[Path, ...] = ()  # ignored files are copied only from below these
    isolation: str = "auto"
    log_max: int = LOG_MAX
    log_format: str = "line"
    registry_settings: dict[str, str] = field(default_factory=dict, repr=False)
    allow_login: bool = False  # Pods may use the logins of this Runner's user
    path: str = os.defpath  # where agents and tools are found
    language: str = "C.UTF-8"  # LANG of every Pod

    @property
    def server(self) -> str:
        return self.enrolled.server if self.enrolled else ""

    @property
    def runner_name(self) -> str:
        return self.enrolled.runner_name if self.enrolled else ""

    @property
    def gateways(self) -> tuple[str, ...]:
        return self.enrolled.gateways if self.enrolled else ()

    @property
    def config_file(self) -> Path:
        return self.home / "config.toml"

    @property
    def enrolled_file(self) -> Path:
        return self.home / "enrolled.json"

    @property
    def key_file(self) -> Path:
        return self.home / "key.pem"

    @property
    def certificate_file(self) -> Path:
        return self.home / "certificate.pem"

    @property
    def ca_file(self) -> Path:
        return self.home / "ca.pem"

    @property
    def release_key_file(self) -> Path:
        """What releases of the Runner must be signed with."""
        return self.home / "release.pub"

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def update_file(self) -> Path:
        """How far the newest update is."""
        return self.home / "update.json"

    @property
    def ledger_file(self) -> Path:
        return self.home / "ledger.sqlite3"

    @property
    def status_file(self) -> Path:
        return self.home / "status.json"

    @property
    def agents_file(self) -> Path:
        return self.home / "agents.json"

    @property
    def mcp_port_file(self) -> Path:
        return self.home / "mcp-port"

    @property
    def lock_file(self) -> Path:
        return self.home / "daemon.lock"

    @property
    def pods(self) -> Path:
        return self.home / "pods"

    @property
    def workspaces(self) -> Path:
        return self.home / "workspaces"

    @property
    def homes(self) -> Path:
        """The agents' HOMEs, each named like the Workspace it goes with."""
        return self.home / "homes"

    @property
    def agents(self) -> Path:
        """What the Runner installed: `<slug>/<version>/`."""
        return self.home / "agents"

    @property
    def repositories(self) -> Path:
        """The clone cache."""
        return self.home / "repositories"

    @property
    def spares(self) -> Path:
        """Working trees made ahead."""
        return self.home / "spares"

    @property
    def kept(self) -> Path:
        """Snapshots of Workspaces: a repository each."""
        return self.home / "kept"

    @property
    def removed(self) -> Path:
        """Removed Workspaces that can still be had back."""
        return self.home / "removed"

    @property
    def trash(self) -> Path:
        """What is being removed."""
        return self.home / "trash"

    @property
    def bin(self) -> Path:
        """Comes first on every Pod's PATH."""
        return self.home / "bin"

    def prepare(self) -> None:
        """Make the directories, each for this user alone; ConfigError if they cannot be."""
        for directory in (
            self.home,
            self.pods,
            self.workspaces,
            self.homes,
            self.agents,
            self.repositories,
            self.sockets,
        ):
            _private_directory(directory)


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("MESH_RUNNER_HOME") or "~/.mesh-runner").expanduser()


def load(home: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    home = (home or default_home(environ)).expanduser().absolute()
    wanted = settings.from_file(home / "config.toml") | settings.from_environment(environ)
    wanted["capacity"] = wanted.get("capacity") or machine.default_capacity()
    sockets = environ.get("MESH_RUNNER_SOCKETS")
    return Config(
        home=home,
        sockets=Path(sockets) if sockets else _sockets(home, environ.get("XDG_RUNTIME_DIR")),
        enrolled=_enrolled(home / "enrolled.json"),
        path=environ.get("PATH") or os.defpath,
        registry_settings=settings.of_registries(environ),
        language=environ.get("LANG") or "C.UTF-8",
        **wanted,
    )


def save_enrolled(config: Config, enrolled: Enrolled) -> None:
    text = json.dumps({f.name: getattr(enrolled, f.name) for f in fields(enrolled)}, indent=1)
    replace_file(config.enrolled_file, text.encode())


def _enrolled(path: Path) -> Enrolled | None:
    if not path.exists():
        return None
    try:
        held = json.loads(path.read_text())
        return Enrolled(**{**held, "gateways": tuple(held["gateways"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path} is damaged ({error}). Enroll again with --force.") from error


def _sockets(home: Path, runtime: str | None) -> Path:
    tag = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:10]
    if runtime:
        return Path(runtime) / f"mesh-runner-{tag}"
    return Path("/tmp") / f"mesh-runner-{os.getuid()}-{tag}"  # noqa: S108 - made with mode 0700


def _private_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = path.lstat()
        if held.st_uid != os.getuid() or not path.is_dir() or path.is_symlink():
            raise ConfigError(
                f"{path} belongs to somebody else. Remove it, or choose another home."
            )
        path.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be used: {error.strerror}. Choose another --home."
        ) from error
