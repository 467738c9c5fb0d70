"""Fixtures for every test, and the checks that no test leaves something behind or is skipped unseen."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from channels.testing import application
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import close_old_connections
from django.db.models.signals import post_migrate  # noqa: TID251 - to disconnect from it
from hypothesis import settings as searches
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import builders

pytest_plugins = ["tests.redis_server"]

searches.register_profile("any pace", deadline=None)  # a busy machine is no finding
searches.load_profile("any pace")

DESCRIPTORS = Path("/proc/self/fd")
SETTLES_WITHIN = 1.0  # seconds in which what a test closed may still be ending
FAULTS = "tests/faults/"  # a system for each file, which mostly waits
WHOLE_SYSTEMS = ("tests/browser/", "tests/journeys/", "tests/operations/")


class _OneSystemAtATime(LoadScopeScheduling):
    """Two cores carry one whole system; a second one beside it makes both wait too long. (The groups that marks name
    are lost with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(FAULTS):
            return nodeid.partition("::")[0]
        return "whole system" if nodeid.startswith(WHOLE_SYSTEMS) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _OneSystemAtATime(config, log)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A server of our own goes with its databases: nothing has to be dropped while threads still use it."""
    return bool(os.environ.get("TEST_DATABASE_IS_OURS"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """`tests.emptied` keeps content types and permissions: nobody has to make them anew after each test."""
    if settings.DATABASES["default"]["ENGINE"] == "tests.emptied":
        post_migrate.disconnect(create_contenttypes)
        post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


@pytest.fixture
def cast(db: None) -> builders.Cast:
    """alice owns the Organization, bob is a member, charlie is a stranger."""
    return builders.make_cast()


@pytest.fixture
def no_open_descriptors() -> Iterator[None]:
    """Ask for it where the code under test opens files, pipes or sockets."""
    before = set(DESCRIPTORS.iterdir())
    yield
    gc.collect()
    leaked = [fd for fd in set(DESCRIPTORS.iterdir()) - before if fd.is_symlink()]
    assert not {fd.name: fd.readlink() for fd in leaked}


def pytest_configure() -> None:
    # Else pytest-asyncio makes one at its first look and never closes it.
    asyncio.set_event_loop(None)
    # Else threads that work while a communicator is asked leave their connections open.
    application.no_op = close_old_connections


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and asyncio.iscoroutinefunction(item.obj):
            item.obj = _leaving_no_task(item.obj)


def _leaving_no_task(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A task that a test started and did not end fails the test; tasks of its fixtures may go on."""

    @wraps(test)
    async def checked(*args: Any, **kwargs: Any) -> None:
        before = asyncio.all_tasks()
        await test(*args, **kwargs)
        if orphans := {task for task in asyncio.all_tasks() - before if not _is_grpcs(task)}:
            _, orphans = await asyncio.wait(orphans, timeout=SETTLES_WITHIN)
        assert not orphans

    return checked


def _is_grpcs(task: "asyncio.Task[Any]") -> bool:
    """gRPC's own tasks end with their channel or server, which a fixture may hold."""
    return "grpc" in repr(task)  # the coroutine's own name does not always say so


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("skipped", []):
        if os.environ.get("CI"):
            terminalreporter.write_line(
                f"NOT RUN, which fails with CI=true: {report.nodeid}", red=True
            )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
