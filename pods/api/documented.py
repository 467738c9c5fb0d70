"""What the OpenAPI description cannot read off the code: pages, errors, and how to sign in."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers
from rest_framework.serializers import BaseSerializer

from pods.api.door import PAGE_DEFAULT, PAGE_MAX


def whole(name: str, *, at_least: int = 0, at_most: int = 10**18 - 1, say: str) -> OpenApiParameter:
    """A whole number in the query, of at most 18 digits."""
    bounds = {"type": "integer", "minimum": at_least, "maximum": at_most}
    return OpenApiParameter(name, bounds, description=say)


PAGED = [
    whole("cursor", say="Given by `next`."),
    whole("limit", at_least=1, at_most=PAGE_MAX, say=f"{PAGE_DEFAULT} if not given."),
]
REPEATABLE = [
    OpenApiParameter(
        "Idempotency-Key",
        str,
        OpenApiParameter.HEADER,
        description="A repeat with the same key and body within 24 h is answered, not done again.",
    )
]

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "detail"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "detail": {"type": "object", "additionalProperties": {}},
            },
        }
    },
}


def page_of(shape: type[BaseSerializer[Any]]) -> BaseSerializer[Any]:
    name = shape.__name__.removesuffix("Shape")
    return inline_serializer(
        f"{name}Page",
        {
            "results": shape(many=True),
            "next": serializers.URLField(allow_null=True, help_text="The following page."),
        },
    )


def of(name: str, /, **fields: serializers.Field[Any, Any, Any, Any]) -> BaseSerializer[Any]:
    """An answer that is no row."""
    return inline_serializer(name, fields)


FREE = OpenApiResponse({"type": "object", "additionalProperties": {}})


def add_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular hook: every operation may answer with an error of the one shape."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = {"description": "An error.", "content": content}
    return result


def say_what_text_is(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular hook: in an address there is no NUL (pods/api/parsing.py)."""
    for path in result["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and parameter["schema"] == {"type": "string"}:
                    parameter["schema"] = {"type": "string", "pattern": r"^[^\x00]*$"}
    return result


class _ByToken(OpenApiAuthenticationExtension):
    target_class = "pods.api.signing_in.ByToken"
    name = "token"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class _ByLogin(OpenApiAuthenticationExtension):
    target_class = "pods.api.signing_in.ByLogin"
    name = "login"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
