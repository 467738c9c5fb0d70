"""A Pod's own key: 256 bits made here, known to the server by its SHA-256, dead when the Pod ends."""

import hashlib
import secrets


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
