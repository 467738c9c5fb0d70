"""`/mcp/` on web: the tools of Mesh for a person's own MCP client, with an API token."""

import asyncio
import importlib
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from rest_framework.exceptions import Throttled

from accounts.access import actor_for_token, bearer
from accounts.actor import Actor
from accounts.errors import BadTokenError
from pods.api import throttling

Asgi = Callable[..., Awaitable[None]]

ACTOR = "mesh.actor"  # where the Actor lies in the ASGI scope
PATHS = frozenset({"/mcp", "/mcp/"})


def _known(secret: str, method: str, address: str) -> Actor:
    """Counted as REST is. Raises BadTokenError, Throttled."""
    try:
        actor = actor_for_token(secret)
    except BadTokenError:
        throttling.check_stranger(address)
        raise
    throttling.check(actor, method)
    return actor


_actor_of = database_sync_to_async(_known, thread_sensitive=False)


def with_tools(pages: Asgi) -> Asgi:
    """Everything below `/mcp/` goes to the tools, all else to the pages."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] in PATHS:
            await _admit(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return application


async def _admit(scope: dict[str, Any], receive: Any, send: Any) -> None:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    host, _ = split_domain_port(headers.get(b"host", ""))
    if not validate_host(host, settings.ALLOWED_HOSTS):
        await _refuse(send, 421, "This server is not called that: see MESH_ALLOWED_HOSTS.")
        return
    if (origin := headers.get(b"origin")) and not _is_ours(origin):
        await _refuse(send, 403, "Pages of other servers may not call this.")
        return
    secret = bearer(headers.get(b"authorization", ""))
    address, _ = scope.get("client") or ("", 0)
    try:
        actor = await _actor_of(secret or "", scope["method"], address)
    except Throttled as throttled:
        later = str(math.ceil(throttling.left())).encode()
        await _refuse(send, 429, str(throttled.detail), (b"retry-after", later))
        return
    except BadTokenError as error:
        text = error.message if secret else "Send an API token, as Authorization: Bearer."
        await _refuse(send, 401, text, (b"www-authenticate", b"Bearer"))
        return
    # Importing it takes a second, and most who start web never call a tool.
    server = await asyncio.to_thread(importlib.import_module, "mesh.mcp_server")
    await server.serve({**scope, ACTOR: actor}, receive, send)


def _is_ours(origin: str) -> bool:
    """A page of this server, on any of its ports. It is the token that lets in: no cookie is looked at."""
    hostname = urlsplit(origin).hostname or ""
    return origin in settings.CSRF_TRUSTED_ORIGINS or validate_host(
        hostname, settings.ALLOWED_HOSTS
    )


async def _refuse(send: Any, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"error": text}).encode()
    headers = ((b"content-type", b"application/json"), *headers)
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
