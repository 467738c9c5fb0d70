"""Fifty Pods in a Channel and a thousand messages by ten of them. It needs PostgreSQL."""

import time
from typing import Any

import pytest

from tests.channels_app.crowd import Crowd, talks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]


async def test_each_of_fifty_reads_what_ten_write_once_and_in_order(
    kept_connections: None, news_by_redis: None, note: Any
) -> None:
    began = time.monotonic()
    await talks(Crowd(pods=50, writers=10, each=100))
    note("50,000 messages were read in", time.monotonic() - began)
