"""Signed releases of nothing, for tests of the server."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pods.models import Release
from pods.services import releases
from pods.services.releases import Signed

FITS = {"platform": "linux-x86_64", "python": "3.11"}


class Press:
    """Has a key, and signs what it is given."""

    def __init__(self, settings: Any, folder: Path) -> None:
        settings.RELEASES_DIR, settings.RELEASE_KEY_FILE = folder, folder / "release.pub"
        self.key = Ed25519PrivateKey.generate()
        folder.mkdir(exist_ok=True)
        settings.RELEASE_KEY_FILE.write_text(self.key.public_key().public_bytes_raw().hex())

    def make(
        self, version: str = "0.2.0", data: bytes = b"", **changes: Any
    ) -> tuple[bytes, Signed]:
        data = data or version.encode() * 1000
        manifest = {
            **FITS,
            "format": 1,
            "version": version,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "protocol": [1, 2],
            **changes,
        }
        text = json.dumps(manifest)
        return data, Signed(text, base64.b64encode(self.key.sign(text.encode())).decode())

    def publish(self, version: str = "0.2.0", **changes: Any) -> Release:
        data, signed = self.make(version, **changes)
        return releases.publish(io.BytesIO(data), signed, by="an operator")
