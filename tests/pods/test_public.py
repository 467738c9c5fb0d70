"""What anybody may ask."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from mesh.readiness import Troubles
from pods.services.authority import ca_hash
from tests.builders import make_gateway

pytestmark = pytest.mark.django_db


def test_a_machine_learns_how_to_enroll(client: Client, settings: Any) -> None:
    known = client.get("/.well-known/mesh").json()
    assert set(known) == {"ca_pem", "enroll", "gateways"}
    assert known["ca_pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert len(ca_hash(known["ca_pem"].encode())) == 32
    assert known["enroll"] == settings.ENROLL_ADDRESS
    assert known["gateways"] == settings.GATEWAY_ADDRESSES


def test_a_process_that_answers_is_healthy(client: Client) -> None:
    assert client.get("/healthz").json() == {"ok": True}


def test_what_is_away_is_named_and_hinders_nobody(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["degraded"] == ["gateway", "redis"]


@pytest.mark.parametrize(("age", "there"), [(19, True), (21, False)])
def test_a_gateway_is_there_when_it_was_seen_lately(client: Client, age: int, there: bool) -> None:
    make_gateway(seen_at=now() - timedelta(seconds=age))
    assert ("gateway" not in client.get("/readyz").json()["degraded"]) == there


def test_since_when_something_is_away_stays_until_it_is_back() -> None:
    troubles = Troubles()
    began = now()
    first = troubles.since({"redis": "away", "disk": "ok"})
    assert began <= first["redis"] <= now()
    assert troubles.since({"redis": "away", "disk": "ok"}) == first
    assert troubles.since({"redis": "ok", "disk": "ok"}) == {}
    assert troubles.since({"redis": "away", "disk": "ok"})["redis"] > first["redis"]


def test_a_silent_gateway_is_away_since_it_was_last_seen(client: Client) -> None:
    seen = now() - timedelta(minutes=7)
    make_gateway(seen_at=seen)
    assert Troubles().since({"gateway": "away"}) == {"gateway": seen}
    told = client.get("/readyz").json()
    assert sorted(told["since"]) == told["degraded"]


def test_only_reading_is_possible(client: Client) -> None:
    for path in ("/healthz", "/readyz", "/.well-known/mesh"):
        assert client.post(path).status_code == 405
