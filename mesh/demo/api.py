"""REST of the running system, with the token that `make run` left for this user."""

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from mesh.up.trouble import TroubleError

LONGER_THAN_ANY_WAIT_S = 70


class Api:
    def __init__(self, run_file: Path) -> None:
        """Raises TroubleError when nothing runs."""
        try:
            held = json.loads(run_file.read_text())
        except FileNotFoundError:
            raise TroubleError(
                f"Mesh does not run with {run_file.parent}: start `make run` in another terminal first."
            ) from None
        self.url: str = held["url"]
        self._token: str = held["token"]

    def get(self, path: str, **query: object) -> Any:
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._call("GET", path + asked)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=LONGER_THAN_ANY_WAIT_S) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise TroubleError(f"{method} {path} was refused: {_sentence(error)}") from error
        except OSError as error:
            raise TroubleError(
                f"{self.url} does not answer ({error}): is `make run` still running?"
            ) from error


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
