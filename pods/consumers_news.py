"""News to a page: what changed in the Organization of its login. Lossy on purpose; the page refetches."""

import logging
import time
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest
from redis.exceptions import RedisError

from accounts.access import ORGANIZATION, actor_for_user
from accounts.errors import NotAMemberError
from accounts.models import User
from pods.news import group

logger = logging.getLogger(__name__)

SIGNED_OUT = 4401
TRY_AGAIN = 1013
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
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    try:
        if isinstance(user, User):
            return actor_for_user(user, request.session.get(ORGANIZATION)).organization_id
    except NotAMemberError:
        pass
    finally:
        close_old_connections()
    return None
