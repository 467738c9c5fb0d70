"""What is wrong with this installation, and the cure for each."""

import errno
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.timezone import now

from mesh.up import ports, ready
from pods.models import Gateway, Runner
from pods.services import schedules

FRESH = timedelta(seconds=20)  # a Gateway refreshes its row every 5 s
SCHEDULES_LATE = timedelta(seconds=60)  # they leave a mark every 10 s
DISK_LOW = 1 << 30  # bytes


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
    yield _disk()
    redis = _answers("redis", ready.redis_answers, "Start it (make run does), or check REDIS_URL.")
    yield redis
    yield _web()
    if not database.cure:
        yield _gateways()
    if not redis.cure:
        yield _schedules()
    if not database.cure:
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


def _disk() -> Finding:
    root = settings.HOME.root
    free = shutil.disk_usage(root if root.exists() else settings.BASE_DIR).free
    text = f"{free / (1 << 30):.1f} GiB free in {root}"
    if free >= DISK_LOW:
        return Finding("disk", text)
    return Finding(
        "disk", text, "Make room: without any nothing is written, and Pods do not start."
    )


def _web() -> Finding:
    host, port = settings.LISTEN, settings.PORT
    if not ready.web_answers() and ports.refusal(host, port) == errno.EADDRINUSE:
        cure = f"See who has it: ss -ltnp 'sport = :{port}'. End that, or choose another MESH_PORT."
        return Finding("web", f"port {port} of {host} is taken by another program", cure)
    return _answers("web", ready.web_answers, "Start it: make run")


def _schedules() -> Finding:
    ran = schedules.ran_at()
    if ran and ran > now() - SCHEDULES_LATE:
        return Finding("schedules", "run")
    text = f"did not run since {ran:%Y-%m-%d %H:%M:%S} UTC" if ran else "have not run"
    logs = settings.HOME.logs
    cure = (
        f"Start beat and a worker (make run does); their logs: {logs}/beat.log, {logs}/worker.log"
    )
    return Finding("schedules", text, cure)


def _gateways() -> Finding:
    live = Gateway.objects.filter(seen_at__gt=now() - FRESH).count()
    if not live and _is_taken(settings.GATEWAY_LISTEN):
        cure = "End the program that has it, or choose another MESH_GATEWAY_LISTEN."
        return Finding("gateway", f"none is live, and {settings.GATEWAY_LISTEN} is taken", cure)
    if not live:
        logs = settings.HOME.logs / "gateway.log"
        return Finding("gateway", "none is live", f"Start one (make run does); its log: {logs}")
    return Finding("gateway", f"{live} live")


def _is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return ports.refusal(host, int(port)) == errno.EADDRINUSE


def _runners() -> Iterator[Finding]:
    for runner in Runner.objects.usable():
        about = f"Runner {runner}"
        if runner.is_online:
            yield Finding(about, "online")
        else:
            since = f"since {runner.detached_at:%Y-%m-%d %H:%M} UTC" if runner.detached_at else ""
            cure = "On its machine: mesh-runner doctor; or retire it on the Runners page."
            yield Finding(about, f"offline {since}".strip(), cure)
