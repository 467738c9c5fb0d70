"""Where the server keeps its state: the paths under MESH_HOME, and the short directory for sockets."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


class HomeError(Exception):
    """MESH_HOME cannot be used: a sentence with cause and cure."""


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @property
    def database(self) -> Path:
        return self.root / "mesh.sqlite3"

    @property
    def ca(self) -> Path:
        return self.root / "ca"

    @property
    def secrets_key(self) -> Path:
        """The keys that protect credential sets, made at first use."""
        return self.root / "secrets.key"

    @property
    def agent_types(self) -> Path:
        """The operator's own declarations, *.toml."""
        return self.root / "agent-types"

    @property
    def releases(self) -> Path:
        """Archives of the Runner, and the public key they are signed for."""
        return self.root / "releases"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def runner(self) -> Path:
        """The local Runner's own home."""
        return self.root / "runner"

    @property
    def repositories(self) -> Path:
        """Sample repositories, readable by the local Runner."""
        return self.root / "repositories"

    @property
    def run_file(self) -> Path:
        return self.root / "run.json"

    @property
    def sockets(self) -> Path:
        """A short directory of its own: a unix socket's path may have 107 bytes."""
        tag = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:10]
        if runtime := os.environ.get("XDG_RUNTIME_DIR"):
            return Path(runtime) / f"mesh-{tag}"
        return Path("/tmp") / f"mesh-{os.getuid()}-{tag}"  # noqa: S108 - made with mode 0700

    def secret_key(self) -> str:
        """Django's key, made at first use and kept with mode 0600."""
        path = self.root / "secret_key"
        try:
            return self._secret_key(path)
        except OSError as error:
            raise HomeError(
                f"{self.root} cannot be used ({error.strerror}): make it yours (chown), or set MESH_HOME to a"
                " directory that you may write."
            ) from error

    def _secret_key(self, path: Path) -> str:
        if not path.exists():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48))
            try:
                os.link(draft, path)  # of several first processes, one wins
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text()
