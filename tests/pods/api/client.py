"""A caller of the API, as a script would be."""

from typing import Any

from django.test import Client

from accounts.actor import ALL_SCOPES
from accounts.models import User
from tests.builders import make_token


class Caller:
    """Paths are given below /api/v1/, bodies as what becomes JSON."""

    def __init__(self, user: User, scopes: Any = ALL_SCOPES) -> None:
        bearer = {"Authorization": f"Bearer {make_token(user, scopes=scopes)}"}
        self._client = Client(headers=bearer, raise_request_exception=False)

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(f"/api/v1/{path}", headers=headers)

    def delete(self, path: str) -> Any:
        return self._client.delete(f"/api/v1/{path}")

    def post(self, path: str, body: Any = None, key: str = "", **options: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        options = {"content_type": "application/json", "headers": headers, **options}
        return self._client.post(f"/api/v1/{path}", {} if body is None else body, **options)

    def put(self, path: str, body: Any) -> Any:
        return self._client.put(f"/api/v1/{path}", body, content_type="application/json")

    def patch(self, path: str, body: Any) -> Any:
        return self._client.patch(f"/api/v1/{path}", body, content_type="application/json")

    def call(self, method: str, path: str) -> Any:
        return self._client.generic(
            method, f"/api/v1/{path}", b"{}", content_type="application/json"
        )


def error(response: Any) -> dict[str, Any]:
    """The error inside, after a look at its shape."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "detail"}
    assert isinstance(body["error"]["detail"], dict)
    found: dict[str, Any] = body["error"]
    return found
