"""What /readyz says of a Valkey that is really stopped."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from tests.operations.valkey import Valkey

pytestmark = pytest.mark.django_db


def test_a_valkey_that_is_stopped_is_away_and_well_again_when_it_is_back(
    client: Client, settings: Any, valkey: Valkey
) -> None:
    settings.REDIS_URL = valkey.url
    assert client.get("/readyz").json()["redis"] == "ok"
    stopped = now()
    valkey.stop()
    told = client.get("/readyz").json()
    assert told["redis"] == "away"
    assert stopped <= datetime.fromisoformat(told["since"]["redis"]) <= now()
    assert client.get("/healthz").status_code == 200
    valkey.start()
    told = client.get("/readyz").json()
    assert told["redis"] == "ok"
    assert "redis" not in told["since"]
