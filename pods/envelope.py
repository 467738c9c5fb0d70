"""Secrets in envelopes: each under a data key of its own, which a master key wraps. Pure.

AES-256-GCM for both. The context goes into both, so that an envelope opens only where it belongs.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class EnvelopeError(Exception):
    """It cannot be opened, or the keys cannot be used: a sentence with cause and cure, without any secret."""


@dataclass(frozen=True, slots=True)
class Envelope:
    key_id: str
    wrapped_key: bytes
    sealed: bytes


class Keyring:
    """The first key seals; all of them open."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {key_id(key): key for key in keys}
        self.current = key_id(keys[0])

    def __repr__(self) -> str:
        return f"<Keyring {' '.join(self._keys)}>"

    def seal(self, value: str, context: str) -> Envelope:
        data_key = AESGCM.generate_key(KEY_BYTES * 8)
        wrapped = _encrypt(self._keys[self.current], data_key, context)
        return Envelope(self.current, wrapped, _encrypt(data_key, value.encode(), context))

    def open(self, envelope: Envelope, context: str) -> str:
        """Raises EnvelopeError."""
        data_key = self._unwrap(envelope, context)
        return _decrypt(data_key, envelope.sealed, context).decode()

    def rewrap(self, envelope: Envelope, context: str) -> Envelope:
        """The same secret under the current key. Raises EnvelopeError."""
        data_key = self._unwrap(envelope, context)
        wrapped = _encrypt(self._keys[self.current], data_key, context)
        return Envelope(self.current, wrapped, envelope.sealed)

    def _unwrap(self, envelope: Envelope, context: str) -> bytes:
        key = self._keys.get(envelope.key_id)
        if key is None:
            raise EnvelopeError(
                f"The key {envelope.key_id} that protects this secret is not here: put it back beside the current "
                "one (from the backup of the key file), or enter the secret again."
            )
        return _decrypt(key, envelope.wrapped_key, context)


def keyring(text: str) -> Keyring:
    """From keys of 32 bytes in base64, the current one first, between them spaces, commas or new lines.

    Raises EnvelopeError.
    """
    keys = [_key(word) for word in text.replace(",", " ").split()]
    if not keys:
        raise EnvelopeError("There is no key: give 32 random bytes in base64.")
    return Keyring(keys)


def new_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def key_id(key: bytes) -> str:
    """A name for a key that does not give it away."""
    return hashlib.sha256(b"mesh key id" + key).hexdigest()[:16]


def _key(word: str) -> bytes:
    try:
        key = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise EnvelopeError(
            "A key is 32 random bytes in base64, as `openssl rand -base64 32` prints them."
        )
    return key


def _encrypt(key: bytes, plain: bytes, context: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def _decrypt(key: bytes, sealed: bytes, context: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise EnvelopeError(
            "This secret was changed, or moved here from elsewhere: enter it again."
        ) from error
