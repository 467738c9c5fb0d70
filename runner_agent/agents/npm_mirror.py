"""A directory of archives, as `npm pack` makes them, served to npm as a registry on loopback."""

import asyncio
import base64
import hashlib
import json
import tarfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from runner_agent.agents import versions

_DESCRIPTION_MAX = 4 << 20  # bytes of a package.json


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[str]:
    """Its URL. OSError if the directory cannot be read."""
    packages = await asyncio.to_thread(_packages, directory)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory, packages))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="npm mirror")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


def _packages(directory: Path) -> dict[str, dict[str, Any]]:
    """What the registry says of each package, by name."""
    packages: dict[str, dict[str, Any]] = {}
    for archive in sorted(directory.glob("*.tgz")):
        description = _description(archive)
        name, version = description["name"], description["version"]
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        known = packages.setdefault(name, {"name": name, "versions": {}, "dist-tags": {}})
        known["versions"][version] = {
            **description,
            "dist": {"tarball": f"/-/{archive.name}", "integrity": f"sha512-{digest}"},
        }
        known["dist-tags"]["latest"] = max(known["versions"], key=versions.order)
    return packages


def _description(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as held:
        for member in held:
            if member.name.count("/") == 1 and member.name.endswith("/package.json"):
                file = held.extractfile(member)
                if file is not None:
                    described: dict[str, Any] = json.loads(file.read(_DESCRIPTION_MAX))
                    return described
    raise OSError(f"{archive.name} in the mirror holds no package.json")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, directory: Path, packages: dict[str, dict[str, Any]], *rest: Any) -> None:
        self._directory, self._packages = directory, packages
        super().__init__(*rest)

    def do_GET(self) -> None:
        asked = unquote(self.path).lstrip("/")
        if asked.startswith("-/"):
            self._archive(asked.removeprefix("-/"))
        elif asked in self._packages:
            self._answer(200, json.dumps(self._with_addresses(asked)).encode())
        else:
            self._answer(404, b'{"error": "not found"}')

    def _archive(self, name: str) -> None:
        known = {path.name: path for path in self._directory.glob("*.tgz")}
        if name in known:
            self._answer(200, known[name].read_bytes())
        else:
            self._answer(404, b"")

    def _with_addresses(self, package: str) -> dict[str, Any]:
        base = f"http://{self.headers['Host']}"
        told: dict[str, Any] = json.loads(json.dumps(self._packages[package]))
        for version in told["versions"].values():
            version["dist"]["tarball"] = base + version["dist"]["tarball"]
        return told

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """npm's own lines tell."""
