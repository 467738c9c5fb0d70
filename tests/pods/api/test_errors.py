"""One shape for every error, wherever it comes from."""

import logging
from typing import Any

import pytest
from django.test import Client, override_settings

from pods.models import Pod
from tests.builders import Cast, built_in, make_token
from tests.pods.api.client import Caller, error

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", JSON, 400, "bad_json"),
        ("", "text/plain", 400, "invalid"),
        ("NaN", JSON, 400, "bad_json"),
        ('{"cols": NaN}', JSON, 400, "bad_json"),
        ('{"name": "\\ud800"}', JSON, 400, "bad_json"),
        ("[" * 50_000, JSON, 400, "bad_json"),
        (b'"\xff"', JSON, 400, "bad_json"),
        ("[]", JSON, 400, "invalid"),
        ("null", JSON, 400, "invalid"),
        ('"text"', JSON, 400, "invalid"),
        ("{}", JSON, 400, "invalid"),
        ('{"agent_type": null}', JSON, 400, "invalid"),
        ('{"agent_type": {}}', JSON, 400, "invalid"),
        ('{"agent_type": "shell", "cols": "many"}', JSON, 400, "invalid"),
        ('{"agent_type": "shell", "cols": 1e400}', JSON, 400, "invalid"),
        ('{"agent_type": "shell", "cols": 99999999999999999999}', JSON, 400, "bad_size"),
        ('{"agent_type": "shell", "labels": []}', JSON, 400, "invalid"),
        ('{"agent_type": "shell", "env": {"A": {}}}', JSON, 400, "invalid"),
        ('{"agent_type": "shell", "argv": ["a\\u0000"]}', JSON, 400, "invalid"),
        ('{"agent_type": "shell", "repo": "x"}', JSON, 400, "invalid"),
        ('{"agent_type": "shell\\u0000"}', JSON, 400, "invalid"),
        ("agent_type=shell", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("<a/>", "text/xml", 415, "unsupported_media_type"),
        ('"' + "x" * 1_048_576, JSON, 413, "body_too_large"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_and_nothing_is_made(
    cast: Cast, body: Any, kind: str, status: int, code: str
) -> None:
    built_in("shell")
    refused = Caller(cast.alice).post("pods/", body, content_type=kind)
    assert (refused.status_code, error(refused)["code"]) == (status, code), refused.content[:300]
    assert not Pod.objects.exists()


def test_the_fields_that_are_wrong_are_named(cast: Cast) -> None:
    refused = error(Caller(cast.alice).post("pods/", {"cols": "x", "labels": {"a": {}}}))
    assert set(refused["detail"]["fields"]) == {"agent_type", "cols", "labels"}
    assert refused["message"] == "agent_type: This field is required."


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing/", 404, "not_found"),
        ("POST", "nothing/", 404, "not_found"),
        ("GET", "pods", 404, "not_found"),
        ("POST", "pods", 404, "not_found"),
        ("GET", "pods/pod-xxxxxx/", 404, "no_such_pod"),
        ("GET", "pods/%00/", 404, "not_found"),
        ("GET", "pods/a%0Ab/", 404, "not_found"),
        ("GET", "pods/..%2f/", 404, "not_found"),
        ("GET", f"pods/{'a' * 5000}/", 404, "no_such_pod"),
        ("GET", "runners/999999999999999999999999/", 404, "no_such_runner"),
        ("GET", f"runners/{'9' * 5000}/", 404, "not_found"),
        ("GET", "runners/x/", 404, "not_found"),
        ("GET", "repositories/nothing/", 404, "no_such_repository"),
        ("GET", "commands/00000000-0000-0000-0000-000000000000/", 404, "no_such_command"),
        ("GET", "commands/1/", 404, "not_found"),
        ("POST", "tokens/99/revoke/", 404, "no_such_token"),
        ("PUT", "pods/", 405, "method_not_allowed"),
        ("DELETE", "pods/", 405, "method_not_allowed"),
        ("OPTIONS", "pods/", 405, "method_not_allowed"),
        ("GET", "pods/?limit=201", 400, "bad_limit"),
        ("GET", "pods/?limit=-1", 400, "bad_limit"),
        ("GET", "pods/?cursor=x", 400, "bad_cursor"),
        ("GET", "pods/?cursor=9999999999999999999", 400, "bad_cursor"),
        ("GET", "pods/?cursor=%C2%B2", 400, "bad_cursor"),
        ("GET", "pods/?state=flying", 400, "invalid"),
        ("GET", "pods/?runner=x", 400, "invalid"),
        ("GET", "pods/?owner=%00", 400, "bad_address"),
        ("GET", "bindings/?pod=%00", 400, "bad_address"),
        ("GET", "channels/plans/messages/?q=%00", 400, "bad_address"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(
    cast: Cast, method: str, path: str, status: int, code: str
) -> None:
    refused = Caller(cast.alice).call(method, path)
    assert (refused.status_code, error(refused)["code"]) == (status, code), refused.content[:300]


def test_a_method_that_is_not_there_is_told_which_are(cast: Cast) -> None:
    assert "GET" in Caller(cast.alice).call("PUT", "pods/").headers["Allow"]


def test_nobody_is_told_to_sign_in(db: None) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}):
        refused = Client(headers=headers).get("/api/v1/pods/")
        assert refused.status_code == 401, headers
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert error(refused)["code"] in {"bad_token", "not_signed_in"}


def test_an_answer_is_json_whatever_is_accepted(cast: Cast) -> None:
    for accept in ("text/html", "application/xml", "nonsense"):
        answer = Caller(cast.alice).get("me/", Accept=accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, JSON)


def test_what_nobody_foresaw_is_logged_and_answered_in_the_same_shape(
    cast: Cast, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("pods.api.tokens.Me.get", broken)
    with caplog.at_level(logging.ERROR, "pods.api.errors"):
        answer = Caller(cast.alice).get("me/")
    assert (answer.status_code, error(answer)["code"]) == (500, "internal")
    assert "bug" not in answer.content.decode()
    assert "a bug" in caplog.text


def test_a_request_refused_before_any_view_has_the_same_shape(cast: Cast) -> None:
    with override_settings(ALLOWED_HOSTS=["elsewhere.example"]):
        answer = Client(raise_request_exception=False).get("/api/v1/pods/")
    assert (answer.status_code, error(answer)["code"]) == (400, "bad_request")


def test_a_page_that_is_not_there_stays_a_page(client: Client) -> None:
    assert b"error" not in client.get("/nothing-here").content[:9]


# ---- logins


def test_a_login_reads_with_cookies_and_changes_with_the_csrf_token(cast: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.alice, "django.contrib.auth.backends.ModelBackend")
    assert browser.get("/api/v1/me/").json()["kind"] == "person"
    refused = browser.post("/api/v1/repositories/", {"name": "a", "url": "/a"}, JSON)
    assert (refused.status_code, error(refused)["code"]) == (403, "not_allowed")
    browser.cookies["csrftoken"] = token = "a" * 32
    made = browser.post(
        "/api/v1/repositories/",
        {"name": "a", "url": "/a"},
        JSON,
        headers={"X-CSRFToken": token},
    )
    assert made.status_code == 201, made.content


def test_a_bad_token_is_not_made_up_for_by_a_login(cast: Cast) -> None:
    browser = Client(headers={"Authorization": "Bearer nothing"})
    browser.force_login(cast.alice, "django.contrib.auth.backends.ModelBackend")
    assert browser.get("/api/v1/me/").status_code == 401


def test_a_token_needs_no_csrf_token_and_ignores_the_login(cast: Cast) -> None:
    browser = Client(
        enforce_csrf_checks=True, headers={"Authorization": f"Bearer {make_token(cast.bob)}"}
    )
    browser.force_login(cast.charlie, "django.contrib.auth.backends.ModelBackend")
    made = browser.post("/api/v1/repositories/", {"name": "a", "url": "/a"}, JSON)
    assert made.status_code == 201
    assert browser.get("/api/v1/me/").json()["organization"] == "acme"
