"""One browser looking at one Terminal, by websocket."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from accounts.access import bearer
from accounts.errors import MeshError, NotAMemberError, NotSignedInError, NotVisibleError
from pods.services.visits import Visitor, last_screen, look
from pods.terminals.client import Terminals
from pods.terminals.frames import MalformedError, Wishes, parse_binary, parse_query, parse_text
from pods.terminals.looks import Looks
from pods.terminals.sight import Sight
from pods.terminals.visit import RightsChangedError, Visit
from pods.together import until_one_ends

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

NOT_SIGNED_IN, NOT_ALLOWED, NOT_FOUND = 4401, 4403, 4404
COME_AGAIN = 1012
REASON_MAX = 123  # bytes, by the websocket's own rules

LOOK_EVERY_S = 1.0  # one who may no longer see the Pod is out within two of these
LOOK_SOON_S = 0.05  # when the row is about to say what the Terminal shows already
SAME_LOOK_S = 0.05  # how old an answer given to another may be

_look = database_sync_to_async(lambda asked: look(*asked), thread_sensitive=False)
_last_screen = database_sync_to_async(last_screen, thread_sensitive=False)


class TerminalConsumer:
    """A plain ASGI application: a Channels consumer class costs 0.2 ms and a thread's turn for each keystroke."""

    def __init__(self, terminals: Terminals) -> None:
        self._terminals = terminals
        self._looks: Looks[tuple[Visitor, str], Sight] = Looks(_look)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send(
            {"type": "websocket.accept"}
        )  # a refusal before this reaches browsers as nothing
        try:
            await self._serve(scope, receive, send)
        except* (MalformedError, MeshError, RightsChangedError) as refusals:
            code, reason = _why(refusals.exceptions[0])
            # Daphne passes no reason on with the close.
            await send(_message({"type": "error", "code": code, "message": reason}))
            await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        wishes = parse_query(scope["query_string"])
        key = scope["url_route"]["kwargs"]["key"]
        asked = (visitor_of(scope), key)
        sight = await self._looks.look(asked, SAME_LOOK_S)
        wants_kept = wishes.offset is None and not sight.is_online
        kept = await _last_screen(key) if wants_kept else None
        with self._terminals.visit(key, sight.place) as terminal:
            visit = Visit(terminal, wishes, sight, kept)
            try:
                await until_one_ends(
                    _show(visit, send),
                    _tell(visit, send),
                    _listen(visit, receive, wishes),
                    self._watch(visit, asked),
                )
            finally:
                visit.close()

    async def _watch(self, visit: Visit, asked: tuple[Visitor, str]) -> None:
        """Raises when the visitor may no longer see the Pod."""
        while True:
            await _until_due(visit)
            try:
                visit.see(await self._looks.look(asked, SAME_LOOK_S))
            except DatabaseError:
                logger.warning("cannot look at %s", asked[1], exc_info=True)


async def _until_due(visit: Visit) -> None:
    """Until it is time for another look. The row of a Pod that has just started, or ended, is not written yet, and
    its bytes go first."""
    if not visit.expects_news:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await visit.look_soon.wait()
    if visit.expects_news:
        await asyncio.sleep(LOOK_SOON_S)
    visit.look_soon.clear()


async def _show(visit: Visit, send: Send) -> None:
    while (frame := await visit.show()) is not None:
        await send(_message(frame))
    await asyncio.Event().wait()  # after its end the browser may stay


async def _tell(visit: Visit, send: Send) -> None:
    while True:
        await send(_message(await visit.tell()))


async def _listen(visit: Visit, receive: Receive, wishes: Wishes) -> None:
    await visit.welcome()
    while (message := await receive())["type"] == "websocket.receive":
        if (data := message.get("bytes")) is not None:
            visit.hear(parse_binary(data, numbered=bool(wishes.client)))
        else:
            visit.hear(parse_text(message.get("text") or ""))


def visitor_of(scope: dict[str, Any]) -> Visitor:
    """A request with a Bearer token ignores cookies."""
    secret = bearer(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
    return Visitor(secret, "" if secret else scope["cookies"].get(settings.SESSION_COOKIE_NAME, ""))


def _message(frame: bytes | dict[str, Any]) -> dict[str, Any]:
    if isinstance(frame, bytes):
        return {"type": "websocket.send", "bytes": frame}
    return {"type": "websocket.send", "text": json.dumps(frame)}


def _why(refusal: BaseException) -> tuple[int, str]:
    """The code to close with, and a sentence."""
    match refusal:
        case MalformedError():
            code = refusal.code
        case RightsChangedError():
            return COME_AGAIN, "What you may do here has changed. Connect again."
        case NotSignedInError():
            code = NOT_SIGNED_IN
        case NotVisibleError() | NotAMemberError():
            code = NOT_FOUND
        case _:
            code = NOT_ALLOWED
    return code, str(refusal).encode()[:REASON_MAX].decode("utf-8", "ignore")
