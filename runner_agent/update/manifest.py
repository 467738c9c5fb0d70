"""What a release says of itself, and the signature that says it is ours. Signed is the text, byte for byte."""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from runner_agent.errors import ToldError
from runner_agent.update import releases

FORMAT = 1
SUFFIX = ".release.json"  # of the manifest with its signature, beside the archive


class ReleaseError(ToldError):
    """A release that is not to be used. `code` is short and stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Manifest:
    """`size` and `unpacked` in bytes; `protocol` lowest and highest; `packages`: name and version of each."""

    version: str
    platform: str
    python: str
    size: int
    unpacked: int
    sha256: str
    protocol: tuple[int, int]
    packages: dict[str, str]
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Signed:
    """`text` is the manifest as it was signed, `signature` base64."""

    text: str
    signature: str

    def save(self, archive: Path) -> Path:
        path = beside(archive)
        path.write_text(json.dumps({"manifest": self.text, "signature": self.signature}))
        return path


def beside(archive: Path) -> Path:
    return archive.with_name(archive.name + SUFFIX)


def read(archive: Path) -> Signed:
    """What lies beside the archive. Raises ReleaseError."""
    path = beside(archive)
    try:
        held = json.loads(path.read_text())
        return Signed(str(held["manifest"]), str(held["signature"]))
    except OSError as error:
        raise ReleaseError("no_manifest", f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError("bad_manifest", f"{path} is no signed manifest.") from error


def sign(manifest: Manifest, key: Ed25519PrivateKey) -> Signed:
    text = manifest.text()
    return Signed(text, base64.b64encode(key.sign(text.encode())).decode())


def verified(signed: Signed, public_key: bytes) -> Manifest:
    """The manifest, if the key signed it. Raises ReleaseError."""
    try:
        signature = base64.b64decode(signed.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed.text.encode())
    except (InvalidSignature, ValueError) as error:
        raise ReleaseError(
            "bad_signature", "The release is not signed with the key that this Runner trusts."
        ) from error
    return _parsed(json.loads(signed.text))


def _parsed(held: dict[str, Any]) -> Manifest:
    if held.get("format") != FORMAT:
        raise ReleaseError(
            "bad_manifest", "The release is of a form that this Runner does not know."
        )
    try:
        manifest = Manifest(**{**held, "protocol": tuple(held["protocol"])})
        releases.order(manifest.version)
    except (TypeError, KeyError, ValueError) as error:
        raise ReleaseError(
            "bad_manifest", f"The manifest of the release is damaged: {error}."
        ) from error
    return manifest


def check_archive(path: Path, manifest: Manifest) -> None:
    """Size and hash. Raises ReleaseError."""
    if path.stat().st_size != manifest.size or digest(path) != manifest.sha256:
        raise ReleaseError(
            "damaged", f"The archive of {manifest.version} is not what its manifest says."
        )


def digest(archive: Path) -> str:
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def private_key(path: Path) -> Ed25519PrivateKey:
    """Raises ReleaseError; also for a file that others may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise ReleaseError("key_open", f"{path} is open to others. Run: chmod 600 {path}")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ReleaseError("no_key", f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise ReleaseError("no_key", f"{path} holds no key in PEM.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ReleaseError("no_key", f"{path} holds no Ed25519 key.")
    return key


def pinned_key(path: Path) -> bytes:
    """Raises ReleaseError."""
    try:
        return bytes.fromhex(path.read_text())
    except (OSError, ValueError) as error:
        raise ReleaseError(
            "no_key",
            "This Runner has no key to judge releases by: the server's operator makes one with"
            " `manage.py release key`.",
        ) from error
