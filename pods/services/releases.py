"""Releases of the Runner: what is signed with the operator's key is kept, and handed to Runners."""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from pods.errors import ConflictError, MeshError, RefusedError
from pods.messages import PROTOCOL_HIGHEST, PROTOCOL_LOWEST
from pods.models import Release, Runner
from pods.updates import order

FORMAT = 1
CHUNK = 64 * 1024  # bytes handed to a Runner at once
PRIVATE = 0o600


class ReleaseError(MeshError):
    """This is no release that Runners could be given."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A manifest as it was signed, and the signature in base64."""

    text: str
    signature: str

    @classmethod
    def read(cls, data: bytes) -> "Signed":
        """From the file beside the archive. Raises ReleaseError."""
        try:
            held = json.loads(data)
            return cls(str(held["manifest"]), str(held["signature"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ReleaseError(
                "bad_manifest",
                "This is no signed manifest: it is the file that ends in .release.json.",
            ) from error


# ---- the key


def make_key(private: Path) -> None:
    """A new pair: the private half where the operator says, the public one here. Raises ConflictError, OSError."""
    if settings.RELEASE_KEY_FILE.exists():
        raise ConflictError(
            "key_exists",
            f"There is a key already: {settings.RELEASE_KEY_FILE}. Runners trust that one alone.",
        )
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(pem)
    settings.RELEASE_KEY_FILE.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.RELEASE_KEY_FILE.write_text(key.public_key().public_bytes_raw().hex() + "\n")


def public_key() -> bytes:
    """What Runners judge releases by; empty while the operator has made none."""
    file = settings.RELEASE_KEY_FILE
    return bytes.fromhex(file.read_text()) if file.exists() else b""


# ---- publishing


def publish(archive: BinaryIO, signed: Signed, *, by: str) -> Release:
    """Keep the archive and give it to Runners from now on. Raises ReleaseError, ConflictError."""
    held = _verified(signed)
    if Release.objects.filter(sha256=held["sha256"], withdrawn_at=None).exists():
        raise ConflictError("published", f"{held['version']} is published already.")
    _keep(archive, held)
    with transaction.atomic():
        same = Release.objects.filter(
            version=held["version"], platform=held["platform"], python=held["python"]
        )
        if same.filter(withdrawn_at=None).exists():
            raise ConflictError(
                "published",
                f"Another {held['version']} is published for that platform: withdraw it first.",
            )
        release, _ = Release.objects.update_or_create(
            sha256=held["sha256"],
            defaults={
                "version": held["version"],
                "platform": held["platform"],
                "python": held["python"],
                "size": held["size"],
                "protocol_lowest": held["protocol"][0],
                "protocol_highest": held["protocol"][1],
                "manifest": signed.text,
                "signature": signed.signature,
                "published_at": now(),
                "published_by": by[:150],
                "withdrawn_at": None,
            },
        )
    return release


def withdraw(release: Release) -> None:
    """It is given to no further Runner; those that run it go on."""
    Release.objects.filter(pk=release.pk, withdrawn_at=None).update(withdrawn_at=now())


def _verified(signed: Signed) -> dict[str, Any]:
    key = public_key()
    if not key:
        raise ReleaseError(
            "no_key", "There is no release key yet: manage.py release key FILE makes one."
        )
    try:
        signature = base64.b64decode(signed.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed.text.encode())
    except (InvalidSignature, ValueError) as error:
        raise ReleaseError(
            "bad_signature",
            f"This release is not signed with the key of {settings.RELEASE_KEY_FILE}.",
        ) from error
    held: dict[str, Any] = json.loads(signed.text)
    if held.get("format") != FORMAT or not order(str(held.get("version", ""))):
        raise ReleaseError(
            "bad_manifest", "The manifest of this release is not one that this server knows."
        )
    lowest, highest = held["protocol"]
    if lowest > PROTOCOL_HIGHEST or highest < PROTOCOL_LOWEST:
        raise ReleaseError(
            "protocol",
            f"{held['version']} speaks protocols {lowest} to {highest}, this server {PROTOCOL_LOWEST} to"
            f" {PROTOCOL_HIGHEST}: Runners would not come back with it. Update the server first.",
        )
    return held


def _keep(archive: BinaryIO, held: dict[str, Any]) -> None:
    path = archive_file(held["sha256"])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            shutil.copyfileobj(archive, file)
            file.flush()
            os.fsync(file.fileno())
        with draft.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != held["sha256"] or draft.stat().st_size != held["size"]:
            raise ReleaseError(
                "damaged", "The archive is not the one that the manifest was signed for."
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


# ---- for Runners


def archive_file(sha256: str) -> Path:
    return Path(settings.RELEASES_DIR) / f"{sha256}.tar.gz"


def offered(sha256: str) -> Path:
    """The archive of a release that is not withdrawn. Raises RefusedError."""
    if not Release.objects.filter(sha256=sha256, withdrawn_at=None).exists():
        raise RefusedError("no_release", "There is no such release, or it was withdrawn.")
    path = archive_file(sha256)
    if not path.exists():
        raise RefusedError("no_release", "The archive of this release is gone from the server.")
    return path


def chunks(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while data := file.read(CHUNK):
            yield data


def fitting(runner: Runner) -> QuerySet[Release]:
    """Those that this machine can run."""
    return Release.objects.filter(platform=runner.platform, python=runner.python, withdrawn_at=None)


def newest(runner: Runner) -> Release | None:
    """The newest it can run, be it newer than what runs or not."""
    return max(fitting(runner), key=lambda release: order(release.version), default=None)


def is_newer(release: Release | None, runner: Runner) -> bool:
    return release is not None and order(release.version) > order(runner.version)
