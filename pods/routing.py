"""Where websockets go."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.routing import URLRouter
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.http.request import validate_host
from django.urls import re_path

from accounts.access import bearer
from pods.consumers import NOT_ALLOWED, NOT_FOUND, TerminalConsumer
from pods.consumers_news import NewsConsumer
from pods.services.terminals import credentials
from pods.terminals.client import Terminals

Asgi = Callable[..., Awaitable[None]]


def is_allowed_origin(headers: dict[bytes, bytes]) -> bool:
    """Whether a login's cookie may be used: only a page of this server may. Bearer tokens need no Origin."""
    if bearer(headers.get(b"authorization", b"").decode("latin-1")) is not None:
        return True
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    same = parts.scheme in {"http", "https"} and parts.netloc == headers.get(b"host", b"").decode(
        "latin-1"
    )
    return same and validate_host(parts.hostname or "", settings.ALLOWED_HOSTS)


def from_our_pages(application: Asgi) -> Asgi:
    async def checked(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any
    ) -> None:
        if is_allowed_origin(dict(scope["headers"])):
            await application(scope, receive, send)
        else:
            await _refuse(receive, send, NOT_ALLOWED, "This page may not use your login here.")

    return checked


async def _nowhere(_scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    await _refuse(receive, send, NOT_FOUND, "There is nothing here.")


async def _refuse(receive: Callable[[], Awaitable[Any]], send: Any, code: int, reason: str) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": reason})


def websockets(terminals: Terminals) -> Asgi:
    routes: dict[str, Any] = {
        r"^ws/pods/(?P<key>[\w-]+)/terminal/$": TerminalConsumer(terminals),
        r"^ws/news/$": NewsConsumer.as_asgi(),
        r"": _nowhere,
    }
    router = URLRouter([re_path(pattern, where) for pattern, where in routes.items()])
    return from_our_pages(CookieMiddleware(router))


application = websockets(Terminals(credentials))
