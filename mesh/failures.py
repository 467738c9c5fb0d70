"""What fails before a view is reached, or in a middleware: JSON below /api/, else Django's own pages."""

from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from pods.api.errors import fallback


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return fallback(400, "bad_request", "This request cannot be understood.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return fallback(403, "not_allowed", "This is not allowed.")
    return defaults.permission_denied(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    if _is_api(request):
        return fallback(500, "internal", "Something went wrong here. It was logged.")
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
