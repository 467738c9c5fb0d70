"""A Pod's own key: 256 bits made here, known to the server by its SHA-256, dead when the Pod ends. Pure but for files."""

import hashlib
import hmac
import secrets
from pathlib import Path


def new_token() -> str:
    return "mesh_pod_" + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class PodTokens:
    """Which living Pod a token belongs to. Compared by digest, in constant time."""

    def __init__(self) -> None:
        self._pods: dict[str, str] = {}

    def add(self, pod: str, token: str) -> None:
        self._pods[digest(token)] = pod

    def remove(self, pod: str) -> None:
        self._pods = {known: each for known, each in self._pods.items() if each != pod}

    def pod_of(self, token: str) -> str | None:
        given = digest(token)
        for known, pod in self._pods.items():
            if hmac.compare_digest(known, given):
                return pod
        return None


def write_token(path: Path, token: str) -> None:
    """With mode 0600 from its first byte."""
    path.touch(mode=0o600)
    path.write_text(token)
