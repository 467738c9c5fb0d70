"""Where agents' hooks arrive: POST /hooks/EVENT with the Pod's token, its JSON as the body. Answered at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PATH = "/hooks/"
BODY_MAX = 256 * 1024  # bytes
EVENT_MAX = 80
WAIT_MAX_S = 120.0


class Ears(Protocol):
    """What hears of agents."""

    def hook(self, pod: str, event: str, body: bytes, at_ms: int) -> None: ...
    def saw_tools(self, pod: str) -> None: ...
    async def tools_seen(self, pod: str) -> None: ...


class HookDoor:
    def __init__(self, ears: Ears) -> None:
        self._ears = ears

    async def answer(self, pod: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        event = scope["path"].removeprefix(PATH)
        body = await _body(receive)
        if scope["method"] != "POST" or not event.isprintable() or not 0 < len(event) <= EVENT_MAX:
            await Response(status_code=404)(scope, receive, send)
        elif body is None:
            await Response(status_code=413)(scope, receive, send)
        else:
            fired = _number(headers.get(b"x-fired-ms", b""), time.time_ns() // 1_000_000)
            self._ears.hook(pod, event, body, int(fired))
            await self._wait_for_tools(pod, _number(headers.get(b"x-wait-tools", b""), 0.0))
            await Response(status_code=204)(scope, receive, send)

    async def _wait_for_tools(self, pod: str, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, WAIT_MAX_S)):
                    await self._ears.tools_seen(pod)


async def _body(receive: Callable[[], Awaitable[object]]) -> bytes | None:
    """None: it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        assert isinstance(message, dict)  # noqa: S101 - ASGI
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _number(text: bytes, otherwise: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return otherwise
    return value if 0 <= value < 2**53 else otherwise
