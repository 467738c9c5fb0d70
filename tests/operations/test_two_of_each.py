"""Two webs and two gateways behind one address each, with PostgreSQL and an external Valkey: as docs/operations.md says."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from pods.together import until_one_ends
from tests.faults.seats import Seat
from tests.journeys.system import wait
from tests.operations.cluster import Cluster

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(300),  # a start counts, too
]

ENDS_WITHIN = 10.0
TAKEN_OVER = 10.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


async def typed_and_seen(seat: Seat, text: bytes) -> None:
    """Type it here, and wait until the PTY has taken it and something came back."""
    seat.keys += text
    before = len(seat.data)
    seat.want(len(seat.keys))
    await seat.until(lambda s: s.taken == len(s.keys) and len(s.data) > before, 60)


def test_each_web_serves_what_the_other_wrote(cluster: Cluster) -> None:
    one, two = cluster.at(cluster.one), cluster.at(cluster.two)
    key = one.run("sleep", "1000")
    began = time.monotonic()
    two.becomes(key, "running")
    assert time.monotonic() - began < 60
    assert two.execute(key, "echo by two")["stdout"] == "by two\n"
    assert one.execute(key, "echo by one")["stdout"] == "by one\n"
    two.terminate(key)
    for machine in (cluster.one, cluster.two):
        with urllib.request.urlopen(f"http://127.0.0.1:{machine.web}/readyz") as ready:
            assert json.loads(ready.read())["degraded"] == []


async def test_a_terminal_is_reached_through_either_web_whichever_gateway_holds_it(
    cluster: Cluster,
) -> None:
    key = await asyncio.to_thread(cluster.api.run, "cat")
    await asyncio.to_thread(cluster.api.becomes, key, "running")
    for machine in (cluster.one, cluster.two):
        seat = Seat(cluster.at(machine), key)
        await until_one_ends(seat.sit(), typed_and_seen(seat, b"through " + machine.name.encode()))
        assert not seat.place.wrong
    await asyncio.to_thread(cluster.api.terminate, key)


async def test_whichever_gateway_ends_the_other_has_the_runner_and_viewers_miss_nothing(
    cluster: Cluster,
) -> None:
    api = cluster.api
    key = await asyncio.to_thread(api.run, "cat")
    await asyncio.to_thread(api.becomes, key, "running")
    for _ in ("there", "and back"):
        holder = await asyncio.to_thread(cluster.holder)
        other = cluster.two if holder is cluster.one else cluster.one
        seat = Seat(api, key)
        took = await asyncio.to_thread(holder.processes["gateway"].end)
        assert took <= ENDS_WITHIN
        gone = time.monotonic()
        await asyncio.to_thread(wait, cluster.online, other.said)
        assert time.monotonic() - gone <= TAKEN_OVER
        assert await asyncio.to_thread(cluster.holder) is other
        await until_one_ends(seat.sit(), typed_and_seen(seat, b"once more\r"))
        assert not seat.place.wrong
        holder.start("gateway")
        await asyncio.to_thread(wait, lambda: _gateways(cluster) == 2, holder.said, 60)
    await asyncio.to_thread(api.terminate, key)


def test_a_web_that_ends_leaves_the_address_served(cluster: Cluster) -> None:
    assert cluster.two.processes["web"].end() <= ENDS_WITHIN
    for _ in range(4):
        assert cluster.api("GET", "runners/").status == 200
    cluster.two.start("web")
    wait(lambda: cluster.ready(cluster.two), cluster.two.said, 60)


def _gateways(cluster: Cluster) -> int:
    import psycopg

    with psycopg.connect(cluster.postgres.url) as connection:
        row = connection.execute("SELECT count(*) FROM pods_gateway").fetchone()
    return int(row[0]) if row else 0
