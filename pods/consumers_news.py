"""News to a page: what changed in the Organization of its login. Lossy on purpose; the page refetches."""

import logging
import time
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from redis.exceptions import RedisError

from accounts.errors import NotAMemberError, NotSignedInError
from pods.news import group
from pods.services.visits import Visitor, actor_of

logger = logging.getLogger(__name__)

SIGNED_OUT = 4401
TRY_AGAIN = 1013
LISTENING = "listening"  # the kind of the first news: what happened before it was not told
BELIEVED_FOR_S = 2.0  # a login is looked at again before news that comes later than this


class NewsConsumer(AsyncJsonWebsocketConsumer):
    """Sends `{"kind", "key", "state"}`; takes nothing. Closes 4401 when the login ends."""

    organization_id: int
    believed_at: float

    async def connect(self) -> None:
        await self.accept()  # a refusal before this reaches browsers as nothing
        if (organization_id := await self._organization()) is None:
            await self.close(SIGNED_OUT)
            return
        self.organization_id = organization_id
        try:
            await self.channel_layer.group_add(group(organization_id), self.channel_name)
        except (OSError, RedisError) as error:
            logger.warning("no news while the channel layer is away: %s", error)
            await self.close(TRY_AGAIN)
            return
        await self.send_json({"kind": LISTENING, "key": "", "state": ""})

    async def disconnect(self, _code: int) -> None:
        if not hasattr(self, "organization_id"):
            return
        with suppress(OSError, RedisError):  # then the layer has forgotten this page already
            await self.channel_layer.group_discard(group(self.organization_id), self.channel_name)

    async def news(self, message: dict[str, Any]) -> None:
        is_fresh = time.monotonic() < self.believed_at + BELIEVED_FOR_S
        if not is_fresh and await self._organization() != self.organization_id:
            await self.close(SIGNED_OUT)
            return
        await self.send_json({name: message[name] for name in ("kind", "key", "state")})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A page has nothing to say here."""

    async def _organization(self) -> int | None:
        self.believed_at = time.monotonic()
        cookie = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        return await _organization_of(cookie)


def _look(session_key: str) -> int | None:
    """The current Organization of the login with this cookie; None if it has ended."""
    try:
        return actor_of(Visitor(session_key=session_key)).organization_id
    except (NotSignedInError, NotAMemberError):
        return None


_organization_of = database_sync_to_async(_look, thread_sensitive=False)
