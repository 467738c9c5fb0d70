"""Content-Security-Policy: pages run our own modules and nothing else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

PAGES = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        # xterm makes style elements at run time and takes no nonce for them.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# The admin's theme and the API's documentation come with inline scripts of their own.
PACKAGES = PAGES.replace("script-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval'")
WITH_PACKAGES = ("/admin/", "/api/docs/")


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def with_policy(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_package = request.path.startswith(WITH_PACKAGES)
        response.headers.setdefault("Content-Security-Policy", PACKAGES if is_package else PAGES)
        return response

    return with_policy
