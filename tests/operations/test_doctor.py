"""`manage.py doctor` finds the usual trouble of an installation and says the cure."""

import io
import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils.timezone import now

from mesh.home import Home
from mesh.up import doctor
from pods import quick_redis
from pods.services import schedules
from tests import builders
from tests.operations.valkey import Valkey

pytestmark = pytest.mark.django_db


def findings() -> dict[str, doctor.Finding]:
    return {each.about: each for each in doctor.examine()}


def asked() -> tuple[int, str]:
    """The exit code, and what is printed with --json."""
    said = io.StringIO()
    try:
        call_command("doctor", "--json", stdout=said)
    except SystemExit as ended:
        return int(str(ended.code)), said.getvalue()
    return 0, said.getvalue()


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = Home(tmp_path)
    settings.CA_DIR = tmp_path / "ca"
    settings.SECRETS_KEY_FILE = settings.HOME.secrets_key
    return tmp_path


@pytest.fixture
def taken() -> Any:
    """A port that another program has."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.usefixtures("home")
def test_it_prints_what_is_wrong_as_json_and_fails(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    code, said = asked()
    assert code == 1
    told = {each["about"]: each for each in json.loads(said)}
    assert told["redis"]["found"] == "does not answer"
    assert "REDIS_URL" in told["redis"]["cure"]
    assert told["database"]["cure"] == ""


@pytest.mark.usefixtures("home")
def test_a_port_that_another_program_has_is_named(settings: Any, taken: int) -> None:
    settings.LISTEN, settings.PORT = "127.0.0.1", taken
    settings.GATEWAY_LISTEN = f"127.0.0.1:{taken}"
    found = findings()
    assert f"port {taken}" in found["web"].found
    assert "MESH_PORT" in found["web"].cure
    assert str(taken) in found["gateway"].found
    assert "MESH_GATEWAY_LISTEN" in found["gateway"].cure


@pytest.mark.usefixtures("home")
def test_a_gateway_that_was_not_seen_lately_is_not_live(settings: Any) -> None:
    settings.GATEWAY_LISTEN = "127.0.0.1:0"
    builders.make_gateway(seen_at=now() - timedelta(seconds=30))
    assert "gateway.log" in findings()["gateway"].cure
    builders.make_gateway()
    assert findings()["gateway"] == doctor.Finding("gateway", "1 live")


@pytest.mark.usefixtures("home")
def test_migrations_that_are_missing_are_counted() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'axes'")
    found = findings()["database"]
    assert "not applied" in found.found
    assert "migrate" in found.cure


def test_a_key_that_others_can_read_is_named_with_its_cure(home: Path) -> None:
    key = home / "ca" / "ca.key"
    key.parent.mkdir()
    key.write_text("secret")
    key.chmod(0o644)
    found = findings()["settings"]
    assert "mesh.E002" in found.found
    assert found.cure == f"chmod 600 {key}"


@pytest.mark.usefixtures("home")
def test_a_disk_that_is_nearly_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings()["disk"].cure == ""
    monkeypatch.setattr(doctor, "DISK_LOW", 1 << 60)
    assert "Make room" in findings()["disk"].cure


@pytest.mark.usefixtures("home")
def test_schedules_that_do_not_run_are_told_with_since_when(valkey: Valkey, settings: Any) -> None:
    settings.REDIS_URL = valkey.url
    assert findings()["redis"].cure == ""
    assert "have not run" in findings()["schedules"].found
    schedules.note()
    assert findings()["schedules"].cure == ""
    quick_redis.client(valkey.url).set(schedules.KEY, "2026-01-02T03:04:05+00:00")
    assert "since 2026-01-02 03:04:05" in findings()["schedules"].found
    assert "beat" in findings()["schedules"].cure


@pytest.mark.usefixtures("home")
def test_a_runner_that_is_away_is_told_with_where_to_look(cast: Any) -> None:
    runner = builders.make_runner(cast.organization, online=False)
    found = findings()[f"Runner {runner}"]
    assert found.found.startswith("offline")
    assert "mesh-runner doctor" in found.cure
