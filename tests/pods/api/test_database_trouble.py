"""A database that is away, or full, is said as that: 503 and when to come again, or 507."""

import errno
import sqlite3

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import RequestFactory

from mesh import failures
from pods.api import errors
from pods.database_trouble import trouble_of


class Broken:
    """A wrapper of queries that fails as the driver does."""

    def __init__(self, sqlite_code: int | None = None, sqlstate: str | None = None) -> None:
        self.cause = sqlite3.OperationalError("no")
        if sqlite_code:
            self.cause.sqlite_errorcode = sqlite_code
        if sqlstate:
            self.cause.sqlstate = sqlstate

    def __call__(self, *_call):
        raise OperationalError("no") from self.cause


@pytest.mark.parametrize(
    ("broken", "status", "code"),
    [
        (Broken(), 503, "database_away"),
        (Broken(sqlite_code=sqlite3.SQLITE_BUSY), 503, "database_away"),
        (Broken(sqlite_code=sqlite3.SQLITE_FULL), 507, "disk_full"),
        (Broken(sqlstate="53100"), 507, "disk_full"),
    ],
)
def test_the_api_says_what_is_wrong_with_the_database(db, client, broken, status, code):
    with connection.execute_wrapper(broken):
        answer = client.get("/api/v1/pods/", headers={"Authorization": "Bearer mesh_x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


def test_a_full_disk_under_a_file_is_the_same_trouble():
    assert trouble_of(OSError(errno.ENOSPC, "no space")).status == 507
    assert trouble_of(OSError(errno.EACCES, "no")) is None
    assert trouble_of(InterfaceError("the connection is closed")).status == 503
    assert trouble_of(None) is None


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/x", "application/json"), ("/", "text/plain")])
def test_what_fails_before_a_view_says_the_same(path, kind):
    try:
        Broken()()
    except OperationalError:
        answer = failures.server_error(RequestFactory().get(path))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(kind)


def test_what_nobody_foresaw_stays_an_error_of_ours():
    assert errors.handle(ZeroDivisionError(), {}).status_code == 500
