"""Where secrets are kept: sealed rows, and the keys that open them.

The keys come from MESH_SECRETS_KEY, or from a file: the one MESH_SECRETS_KEY_FILE names, else one that is made in MESH_HOME.
"""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from pods.envelope import Envelope, EnvelopeError, Keyring, keyring, new_key
from pods.errors import MeshError
from pods.models import CredentialSet, Secret

PRIVATE = 0o600
HINTED_FROM = 16  # characters; of a shorter secret the last four would tell too much
HINT = 4
BATCH = 500
_PREFIX = "secret:"


class SecretGoneError(MeshError):
    """A reference to a secret that was deleted, or that no key here opens."""


def keep(credentials: CredentialSet, part: str, value: str) -> None:
    """Store this part, or change it: what refers to it gets the new value from now on."""
    secret = Secret.objects.filter(credentials=credentials, part=part).first()
    secret = secret or Secret(credentials=credentials, part=part)
    envelope = keys().seal(value, secret.context)
    hint = value[-HINT:] if part == Secret.Part.API_KEY and len(value) >= HINTED_FROM else ""
    Secret.objects.update_or_create(
        pk=secret.pk,
        defaults={"credentials": credentials, "part": part, "hint": hint, **_columns(envelope)},
    )


def reference(secret: Secret) -> str:
    return f"{_PREFIX}{secret.pk}"


def reveal(references: Mapping[str, str]) -> dict[str, str]:
    """The values, by the same names. For the gateway alone, at the moment of sending. Raises SecretGoneError."""
    ids = {name: _id(text) for name, text in references.items()}
    found = Secret.objects.select_related("credentials").in_bulk(list(ids.values()))
    if missing := sorted(name for name, pk in ids.items() if pk not in found):
        raise SecretGoneError(
            "no_secret",
            f"The credential set it was to have is deleted ({', '.join(missing)}): make a new Pod with another one.",
        )
    try:
        return {name: _opened(keys(), found[pk]) for name, pk in ids.items()}
    except EnvelopeError as error:
        raise SecretGoneError("no_secret", str(error)) from error


def rotate(*, new: bool) -> int:
    """Wrap every data key with the current key, after making a new one if asked to; how many were not yet.

    The secrets themselves are not opened. Old keys may go once this has come to its end. Raises EnvelopeError.
    """
    if new:
        _put_first(settings.SECRETS_KEY_FILE, new_key())
    ring, done = keys(), 0
    while batch := list(_of_other_keys(ring)[:BATCH]):
        with transaction.atomic():
            for secret in batch:
                envelope = ring.rewrap(_envelope(secret), secret.context)
                unchanged = Secret.objects.filter(pk=secret.pk, wrapped_key=secret.wrapped_key)
                done += unchanged.update(**_columns(envelope))
    return done


def forget_old_keys() -> int:
    """Leave only the current key in the file; how many went. Raises EnvelopeError while a secret needs one."""
    if settings.SECRETS_KEY:
        raise EnvelopeError("The keys are in MESH_SECRETS_KEY: take the old ones away there.")
    ring = keys()
    if left := _of_other_keys(ring).count():
        raise EnvelopeError(f"{left} secrets are still under an old key: rotate first.")
    lines = settings.SECRETS_KEY_FILE.read_text().split()
    _write(settings.SECRETS_KEY_FILE, lines[:1])
    return len(lines) - 1


def keys() -> Keyring:
    """Read anew each time, so that a rotation needs no restart. Raises EnvelopeError."""
    if settings.SECRETS_KEY:
        return keyring(settings.SECRETS_KEY)
    path: Path = settings.SECRETS_KEY_FILE
    try:
        if not path.exists() and path == settings.HOME.secrets_key:
            _make(path)
        return keyring(path.read_text())
    except OSError as error:
        raise EnvelopeError(
            f"The keys of the secrets cannot be read: {path}: {error.strerror}."
        ) from error


# ---- Rows


def _opened(ring: Keyring, secret: Secret) -> str:
    return ring.open(_envelope(secret), secret.context)


def _of_other_keys(ring: Keyring) -> QuerySet[Secret]:
    return Secret.objects.exclude(key_id=ring.current).select_related("credentials").order_by("pk")


def _envelope(secret: Secret) -> Envelope:
    return Envelope(secret.key_id, bytes(secret.wrapped_key), bytes(secret.sealed))


def _columns(envelope: Envelope) -> dict[str, object]:
    return {
        "key_id": envelope.key_id,
        "wrapped_key": envelope.wrapped_key,
        "sealed": envelope.sealed,
    }


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text.removeprefix(_PREFIX))
    except ValueError as error:
        raise SecretGoneError("no_secret", "A reference to a secret that is none.") from error


# ---- The key file


def _make(path: Path) -> None:
    """Of several processes that come first, one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    _write(draft, [new_key()])
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _put_first(path: Path, key: str) -> None:
    keys()  # the file is there, and is one
    if settings.SECRETS_KEY:
        raise EnvelopeError(
            "The key is given as MESH_SECRETS_KEY: put a new one before it there, with a comma between, restart, "
            "then rotate without --new-key."
        )
    _write(path, [key, *path.read_text().split()])


def _write(path: Path, lines: list[str]) -> None:
    draft = path.with_name(f"{path.name}.new-{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
