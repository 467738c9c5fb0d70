"""The two databases under a system, and what can happen to each: locked, killed, gone for a while."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg

from tests.journeys.system import wait
from tests.postgres import Server


class Database(Protocol):
    url: str  # empty: the default

    def locked(self) -> AbstractContextManager[None]:
        """Nobody else can write inside."""

    def away(self) -> AbstractContextManager[None]:
        """Killed; another one serves the same files afterwards."""

    def stop(self) -> None: ...


class Sqlite:
    url = ""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def locked(self) -> Iterator[None]:
        with closing(sqlite3.connect(self._file, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()

    def away(self) -> AbstractContextManager[None]:
        """There is no process to kill: nobody can write."""
        return self.locked()

    def stop(self) -> None:
        """Nothing runs."""


class Postgres:
    """Commits are in its log before they are confirmed, so a kill of the process loses none."""

    TABLES = "pods_command, pods_pod, pods_runner, channels_app_message"

    def __init__(self) -> None:
        self._server = Server(("fsync=off", "full_page_writes=off"))
        self._server.start()
        self.url = self._server.url

    @contextmanager
    def locked(self) -> Iterator[None]:
        with psycopg.connect(self.url) as connection:
            wait(lambda: self._locks(connection))
            yield
            connection.rollback()

    @contextmanager
    def away(self) -> Iterator[None]:
        self._server.kill()
        try:
            yield
        finally:
            wait(self._begins, self._server.said)

    def stop(self) -> None:
        self._server.stop()

    def _locks(self, connection: psycopg.Connection) -> bool:
        """Of two that wait for each other's tables PostgreSQL gives one up, which may be this one."""
        try:
            connection.execute(f"LOCK TABLE {self.TABLES} IN ACCESS EXCLUSIVE MODE")
        except psycopg.errors.DeadlockDetected:
            connection.rollback()
            return False
        return True

    def _begins(self) -> bool:
        """Refused as long as a process of the killed server is about."""
        try:
            self._server.run()
        except psycopg.OperationalError:
            return False
        return True
