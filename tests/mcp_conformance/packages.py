"""Node and the official programs of MCP, installed by npm into a directory that goes again."""

import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mesh import bootstrap

CONFORMANCE, INSPECTOR = "@modelcontextprotocol/conformance", "@modelcontextprotocol/inspector"
WANTED = (f"{CONFORMANCE}@0.2.0-alpha.12", f"{INSPECTOR}@2.12.0")
NODE = "22"  # both want it; a machine's own may be older
INSTALL = ("install", "--ignore-scripts", "--no-audit", "--no-fund")
ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Programs:
    home: Path  # for what they keep
    node: Path
    conformance: Path
    inspector: Path


@contextmanager
def installed() -> Iterator[Programs]:
    """From the registry npm is set to. Raises bootstrap.TroubleError."""
    node = f"node-linux-{ARCHITECTURES[platform.machine()]}"
    npm, path = bootstrap.npm_of_the_machine() or bootstrap.npm_of_the_wheel()
    with tempfile.TemporaryDirectory(prefix="mesh-mcp-") as folder:
        bootstrap.run(
            [*npm, *INSTALL, "--prefix", folder, f"{node}@{NODE}", *WANTED],
            "The official programs of MCP could not be installed: check the network and npm's registry setting.",
            PATH=path,
        )
        modules = Path(folder) / "node_modules"
        yield Programs(
            Path(folder),
            modules / node / "bin" / "node",
            modules / CONFORMANCE / "dist" / "index.js",
            modules / ".bin" / "mcp-inspector",
        )


def inspected(programs: Programs, url: str, token: str, *what: str) -> str:
    """What the inspector prints of one call. Raises CalledProcessError."""
    door = ["--cli", url, "--transport", "http", "--header", f"Authorization: Bearer {token}"]
    return subprocess.run(
        [programs.node, programs.inspector.resolve(), *door, *what],
        env={"HOME": str(programs.home), "PATH": str(programs.node.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    ).stdout
