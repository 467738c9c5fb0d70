"""News to a page: what changed in the Organization of its login. Lossy on purpose; the page refetches."""

import logging
import time
from typing import Any

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.db import close_old_connections
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
        if hasattr(self, "organization_id"):
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
        return await sync_to_async(_organization_of, thread_sensitive=False)(cookie)


def _organization_of(session_key: str) -> int | None:
    """The current Organization of the login with this cookie; None if it has ended."""
    close_old_connections()
    try:
        return actor_of(Visitor(session_key=session_key)).organization_id
    except (NotSignedInError, NotAMemberError):
        return None
    finally:
        close_old_connections()
