"""What comes in: bodies as JSON of a bounded size, and addresses that a database takes."""

import json
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote

from django.http import HttpRequest
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from pods.api.errors import too_large
from pods.errors import RefusedError

BODY_MAX = 1024 * 1024  # bytes


class StrictJson(BaseParser):
    """JSON that can also be stored: no NaN, no half surrogates, no bottomless nesting."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        _context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            text = stream.read().decode()
            data = json.loads(text, parse_constant=_refuse)
            json.dumps(data, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        return data


def check_body(request: HttpRequest) -> None:
    """Raises TooLargeError. A body sent in chunks is measured, so that DRF does not take it for empty."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.method in {"POST", "PUT", "PATCH"}:
        request.META["CONTENT_LENGTH"] = length = str(len(request.body))
    if length.isdecimal() and int(length) > BODY_MAX:
        raise too_large()


def check_address(request: HttpRequest) -> None:
    """Raises RefusedError for what no database takes, so that no view need mind."""
    if "\0" in unquote(request.META.get("QUERY_STRING", "")):
        raise RefusedError("bad_address", "The address has a NUL character.")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
