"""Every error as `{"error": {"code", "message", "detail"}}`: one table from exceptions to statuses."""

import logging
import math
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions as rest
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.errors import NotSignedInError
from pods.database_trouble import RETRY_AFTER_S, trouble_of
from pods.errors import (
    CommandFailedError,
    ConflictError,
    MeshError,
    NotAllowedError,
    NotVisibleError,
    QuotaError,
    RefusedError,
    RunnerOfflineError,
)

logger = logging.getLogger(__name__)


class MismatchError(MeshError):
    """The same Idempotency-Key with another request: 422."""


class TooLargeError(MeshError):
    """The body is larger than any request needs: 413."""


RETRY_RUNNER_AFTER_S = 10  # a Runner that lost its network dials again within this

STATUSES: dict[type[MeshError], int] = {
    NotSignedInError: 401,
    NotAllowedError: 403,
    NotVisibleError: 404,
    RefusedError: 400,
    ConflictError: 409,
    QuotaError: 429,
    CommandFailedError: 502,
    RunnerOfflineError: 503,
    MismatchError: 422,
    TooLargeError: 413,
}

_CODES: dict[type[Exception], str] = {
    rest.ParseError: "bad_json",
    rest.NotAuthenticated: "not_signed_in",
    rest.AuthenticationFailed: "not_signed_in",
    rest.PermissionDenied: "not_allowed",
    rest.NotFound: "not_found",
    rest.MethodNotAllowed: "method_not_allowed",
    rest.NotAcceptable: "not_acceptable",
    rest.UnsupportedMediaType: "unsupported_media_type",
    rest.Throttled: "throttled",
}

_CURES: dict[type[Exception], str] = {
    rest.NotAuthenticated: "Sign in, or send an API token: “Authorization: Bearer …”.",
    rest.UnsupportedMediaType: "Send JSON: “Content-Type: application/json”.",
}


def body(code: str, message: str, detail: object = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "detail": detail or {}}}


def handle(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler. What nobody foresaw is logged and answered 500 in the same shape."""
    set_rollback()
    match exc:
        case MeshError():
            return _of_mesh(exc)
        case rest.ValidationError():
            return _of_validation(exc)
        case rest.APIException():
            return _of_rest(exc)
        case Http404() | PermissionDenied():
            return _of_rest(
                rest.NotFound() if isinstance(exc, Http404) else rest.PermissionDenied()
            )
    request: HttpRequest | None = context.get("request")
    if trouble := trouble_of(exc):
        logger.warning("%s: %s", request and request.path, exc)
        return Response(
            body(trouble.code, trouble.message), trouble.status, headers=_later(trouble.status)
        )
    logger.error("error in %s", request and request.path, exc_info=exc)
    got_request_exception.send_robust(sender=None, request=request)
    return Response(body("internal", "Something went wrong here. It was logged."), status=500)


def _later(status: int) -> dict[str, str]:
    """When to ask again; 507 waits for a person."""
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}  # noqa: PLR2004


def too_large() -> TooLargeError:
    return TooLargeError("body_too_large", "A request has at most 1 MiB. Send less, or in parts.")


def fallback(status: int, code: str, message: str) -> JsonResponse:
    """For what fails before a view of the API is reached."""
    return JsonResponse(body(code, message), status=status, headers=_later(status))


def _of_mesh(error: MeshError) -> Response:
    headers = {}
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    if isinstance(error, RunnerOfflineError):
        headers["Retry-After"] = str(RETRY_RUNNER_AFTER_S)
    if isinstance(error, NotSignedInError):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        body(error.code, str(error), error.detail), status=status, headers=headers or None
    )


def _of_rest(error: rest.APIException) -> Response:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    message = _CURES.get(type(error), str(error.detail))
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), "error")
    return Response(body(code, message), status=error.status_code, headers=headers or None)


def _of_validation(error: rest.ValidationError) -> Response:
    where, what = _first(error.detail)
    message = f"{where}: {what}" if where else what
    return Response(body("invalid", message, {"fields": error.detail}), status=400)


def _first(detail: Any, where: str = "") -> tuple[str, str]:
    """The first complaint and the path to its field."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        name = "" if name == "non_field_errors" else str(name)
        return _first(inner, ".".join(part for part in (where, name) if part))
    if isinstance(detail, list):
        return _first(next((item for item in detail if item), "not valid"), where)
    return where, str(detail)
