"""What is wrong with this installation, and the cure for each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.timezone import now

from mesh.up import ready
from pods.models import Gateway, Runner

FRESH = timedelta(seconds=20)  # a Gateway refreshes its row every 5 s


@dataclass(frozen=True, slots=True)
class Finding:
    """`cure` is empty if all is well."""

    about: str
    found: str
    cure: str = ""


def examine() -> Iterator[Finding]:
    yield from _settings()
    database = _database()
    yield database
    yield _answers("redis", ready.redis_answers, "Start it (make run does), or check REDIS_URL.")
    yield _answers("web", ready.web_answers, "Start it: make run")
    if not database.cure:
        yield _gateways()
        yield from _runners()


def _settings() -> Iterator[Finding]:
    messages = run_checks()
    for each in messages:
        yield Finding("settings", f"{each.msg} ({each.id})", each.hint or "See the message.")
    if not messages:
        yield Finding("settings", "fit together")


def _database() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Finding("database", str(error).strip(), "Check DATABASE_URL.")
    if missing:
        cure = "Run: manage.py migrate (make run does)"
        return Finding("database", f"{len(missing)} migrations are not applied", cure)
    return Finding("database", connection.vendor)


def _answers(about: str, probe: Callable[[], bool], cure: str) -> Finding:
    return Finding(about, "answers") if probe() else Finding(about, "does not answer", cure)


def _gateways() -> Finding:
    live = Gateway.objects.filter(seen_at__gt=now() - FRESH).count()
    if not live:
        logs = settings.HOME.logs / "gateway.log"
        return Finding("gateway", "none is live", f"Start one (make run does); its log: {logs}")
    return Finding("gateway", f"{live} live")


def _runners() -> Iterator[Finding]:
    for runner in Runner.objects.usable():
        about = f"Runner {runner}"
        if runner.is_online:
            yield Finding(about, "online")
        else:
            since = f"since {runner.detached_at:%Y-%m-%d %H:%M} UTC" if runner.detached_at else ""
            cure = "On its machine: mesh-runner doctor; or retire it on the Runners page."
            yield Finding(about, f"offline {since}".strip(), cure)
