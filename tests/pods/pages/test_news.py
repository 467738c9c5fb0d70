"""News over the websocket of a page: to its own Organization, while its login lasts."""

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.test import Client

from pods import consumers_news
from pods.news import group
from pods.routing import websockets
from pods.services.terminals import credentials
from pods.terminals.client import Terminals
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)

NEWS = {"type": "news", "kind": "pod", "key": "pod-23", "state": "running"}
LISTENING = {"kind": "listening", "key": "", "state": ""}


class Page:
    """A browser's page of alice's, and its websocket."""

    def __init__(self) -> None:
        self.cast = builders.make_cast()
        self.client = Client()
        self.client.force_login(self.cast.alice)

    def open(self, *, origin: str = "http://testserver") -> WebsocketCommunicator:
        cookie = f"sessionid={self.client.cookies['sessionid'].value}"
        headers = [
            (b"host", b"testserver"),
            (b"origin", origin.encode()),
            (b"cookie", cookie.encode()),
        ]
        return WebsocketCommunicator(websockets(Terminals(credentials)), "/ws/news/", headers)

    async def tell(self, organization_id: int) -> None:
        await get_channel_layer().group_send(group(organization_id), NEWS)


@pytest.fixture
def page(transactional_db) -> Page:
    return Page()


async def test_news_of_ones_organization_arrive_and_no_others(page):
    socket = page.open()
    await socket.connect()
    assert await socket.receive_json_from() == LISTENING
    await page.tell(page.cast.stranger.pk)
    await page.tell(page.cast.organization.pk)
    assert await socket.receive_json_from() == {"kind": "pod", "key": "pod-23", "state": "running"}
    assert await socket.receive_nothing(timeout=0.05)
    await socket.disconnect()


async def test_after_signing_out_no_news_come_and_the_page_is_told(page, monkeypatch):
    monkeypatch.setattr(consumers_news, "BELIEVED_FOR_S", 0.0)
    socket = page.open()
    await socket.connect()
    await socket.receive_json_from()
    await database_sync_to_async(page.client.logout)()
    await page.tell(page.cast.organization.pk)
    assert await socket.receive_output() == {"type": "websocket.close", "code": 4401}
    await socket.disconnect()


async def test_without_a_login_it_closes_with_a_code_that_browsers_see(page):
    await database_sync_to_async(page.client.logout)()
    page.client.cookies["sessionid"] = "unknown"
    socket = page.open()
    assert await socket.connect() == (True, None)
    assert (await socket.receive_output())["code"] == 4401
    await socket.disconnect()


async def test_a_page_of_another_site_hears_nothing(page):
    socket = page.open(origin="https://evil.example")
    assert await socket.connect() == (True, None)
    assert (await socket.receive_output())["code"] == 4403
    await socket.disconnect()
