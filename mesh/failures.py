"""What fails before a view is reached, or in a middleware: JSON below /api/, else Django's own pages."""

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults

from pods.api.errors import fallback
from pods.database_trouble import RETRY_AFTER_S, trouble_of


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return fallback(400, "bad_request", "This request cannot be understood.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _is_api(request):
        return fallback(403, "not_allowed", "This is not allowed.")
    return defaults.permission_denied(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    if trouble := trouble_of(sys.exc_info()[1]):
        if _is_api(request):
            return fallback(trouble.status, trouble.code, trouble.message)
        later = {"Retry-After": str(RETRY_AFTER_S)}
        return HttpResponse(trouble.message, "text/plain", trouble.status, headers=later)
    if _is_api(request):
        return fallback(500, "internal", "Something went wrong here. It was logged.")
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
