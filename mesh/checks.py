"""Settings that do not go together, each with an id and a cure: `manage.py check`, and `up` before it starts."""

import ipaddress
import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's word

from pods.envelope import EnvelopeError
from pods.services import vault

LONGEST_SOCKET = 107 - len("/supervisor.sock.12345")
SHORTEST_KEY = 32


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    return [*_secrets(), *_keys(), *_paths(), *_addresses(), *_assets()]


def _secrets() -> Iterator[CheckMessage]:
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield Error(
            f"MESH_SECRET_KEY has fewer than {SHORTEST_KEY} characters.",
            hint="Unset it, and one is made and kept in MESH_HOME; or give a longer one.",
            id="mesh.E001",
        )
    key = settings.CA_DIR / "ca.key"
    if key.exists() and key.stat().st_mode & 0o077:
        yield Error(
            "The key of the certificate authority is open to others.",
            hint=f"chmod 600 {key}",
            id="mesh.E002",
        )


def _keys() -> Iterator[CheckMessage]:
    """The keys that protect credential sets: closed to others, and keys."""
    path = settings.SECRETS_KEY_FILE
    if path.exists() and path.stat().st_mode & 0o077:
        yield Error(
            "The keys of the credential sets are open to others.",
            hint=f"chmod 600 {path}",
            id="mesh.E009",
        )
    made_at_need = not settings.SECRETS_KEY and path == settings.HOME.secrets_key
    if made_at_need and not path.exists():
        return
    try:
        vault.keys()
    except EnvelopeError as error:
        yield Error(
            f"The keys of the credential sets cannot be used. {error}",
            hint="Put the key file, or MESH_SECRETS_KEY, back as it was: without it no credential set can be read.",
            id="mesh.E010",
        )


def _paths() -> Iterator[CheckMessage]:
    if settings.HOME.root.exists() and not os.access(settings.HOME.root, os.W_OK | os.X_OK):
        yield Error(
            f"{settings.HOME.root} cannot be written.",
            hint="Make it yours (chown), or set MESH_HOME to another directory.",
            id="mesh.E003",
        )
    if len(os.fsencode(settings.HOME.sockets)) > LONGEST_SOCKET:
        yield Error(
            f"The path of the sockets is too long: {settings.HOME.sockets}",
            hint="Set XDG_RUNTIME_DIR to a shorter path, or unset it.",
            id="mesh.E004",
        )


def _addresses() -> Iterator[CheckMessage]:
    if _is_local(settings.PUBLIC_HOST):
        return
    if settings.DEBUG:
        yield Error(
            "MESH_DEBUG is on, and other machines reach this server.",
            hint="Unset MESH_DEBUG: its error pages show settings and source.",
            id="mesh.E005",
        )
    if settings.PUBLIC_URL.startswith("http://"):
        yield Warning(
            "Pages and tokens travel unencrypted to other machines.",
            hint="Put a TLS proxy in front and set MESH_PUBLIC_URL=https://…",
            id="mesh.W006",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "MESH_ALLOWED_HOSTS takes every name.",
            hint="Name the hosts that people type into their browsers.",
            id="mesh.W007",
        )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _assets() -> Iterator[CheckMessage]:
    if not (settings.BASE_DIR / "node_modules" / "@xterm" / "xterm").exists():
        yield Error(
            "The browser's packages are not installed.",
            hint="Run `make run`, or: python3 mesh/bootstrap.py",
            id="mesh.E008",
        )
