"""The API is described, and does as described."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth

from tests.builders import built_in, make_cast, make_pod, make_repository, make_runner, make_token

pytestmark = pytest.mark.django_db

schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """As Django's own test client: the end of a request does not close the test's connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def bearer(db: None, _one_connection: None) -> str:
    cast = make_cast()
    built_in("shell")
    runner = make_runner(cast.organization)
    make_pod(runner=runner, owner=cast.alice)
    make_repository(cast.organization)
    return f"Bearer {make_token(cast.alice)}"


def test_the_description_is_complete_and_valid(tmp_path: Any) -> None:
    call_command("spectacular", file=str(tmp_path / "schema.yml"), validate=True, fail_on_warn=True)


def test_anybody_may_read_it_and_nothing_is_fetched_from_elsewhere(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert "//cdn" not in page
    assert "https://" not in page
    assert "<script>" not in page  # the content security policy runs no script in a page


@pytest.mark.timeout(300)
@schema.include(method="GET").exclude(path_regex="(screen|output|workspace)").parametrize()
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_read_answers_as_described(case: Any, bearer: str) -> None:
    # who may ask is the matter of test_errors.py and test_two_organizations.py
    case.call_and_validate(headers={"Authorization": bearer}, excluded_checks=[ignored_auth])
