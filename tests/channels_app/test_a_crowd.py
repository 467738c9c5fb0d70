"""Many Pods in one Channel, some of whom write: through a real Gateway, a real database and a real Redis."""

import pytest

from tests.channels_app.crowd import Crowd, talks

pytestmark = pytest.mark.django_db(transaction=True)


async def test_each_reads_what_all_write_once_and_in_order(
    kept_connections: None, news_by_redis: None
) -> None:
    await talks(Crowd(pods=12, writers=4, each=20))
