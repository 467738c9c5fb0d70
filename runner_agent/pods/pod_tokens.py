"""A Pod's own key: 256 bits made here, known to the server by its SHA-256, dead when the Pod ends."""

import hashlib
import os
import secrets
from pathlib import Path


def new_token() -> str:
    return "mesh_pod_" + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class PodTokens:
    """Which living Pod a token belongs to; only digests are kept. `url` is the door where they are taken."""

    def __init__(self) -> None:
        self.url = ""
        self._pods: dict[str, str] = {}

    def add(self, pod: str, token_digest: str) -> None:
        self._pods[token_digest] = pod

    def remove(self, pod: str) -> None:
        self._pods = {known: each for known, each in self._pods.items() if each != pod}

    def pod_of(self, token: str) -> str | None:
        return self._pods.get(digest(token))


def write_token(path: Path, token: str) -> None:
    """A new file in a directory of its own, readable by this user alone from its first byte."""
    path.parent.mkdir(mode=0o700)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(fd, "w") as file:  # noqa: PTH123 - of a descriptor
        file.write(token)
