"""/metrics: for operators of the installation, and for the Prometheus that has their word."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from accounts.access import actor_for_token, bearer
from accounts.errors import BadTokenError
from accounts.models import User
from pods.services import metrics


@require_safe
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """This process's own figures, then those of the installation. A loopback address proves nothing behind a proxy."""
    if not _may_read(request):
        text = (
            "For MESH_METRICS_TOKEN, or the API token of an operator, as Authorization: Bearer.\n"
        )
        challenge = {"WWW-Authenticate": "Bearer"}
        return HttpResponse(text, "text/plain", status=401, headers=challenge)
    return HttpResponse(generate_latest(REGISTRY) + metrics.exposition(), CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    secret = bearer(request.headers.get("Authorization", ""))
    if secret is None:
        return _is_operator(getattr(request, "user", None))
    if settings.METRICS_TOKEN and secrets.compare_digest(
        secret.encode(), settings.METRICS_TOKEN.encode()
    ):
        return True
    try:
        actor = actor_for_token(secret)
    except BadTokenError:
        return False
    return _is_operator(User.objects.filter(pk=actor.user_id or 0).first())


def _is_operator(user: object) -> bool:
    return isinstance(user, User) and user.is_active and user.is_superuser
