"""What is answered to anybody: how to enroll, and whether this installation is well."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from mesh import readiness
from pods.services.authority import authority

_troubles = readiness.Troubles()


@require_safe
def well_known(_request: HttpRequest) -> HttpResponse:
    """What a machine needs to enroll; it believes the CA only if its token ends in the CA's hash."""
    return JsonResponse(
        {
            "ca_pem": authority().trusted_pem.decode(),
            "enroll": settings.ENROLL_ADDRESS,
            "gateways": settings.GATEWAY_ADDRESSES,
        }
    )


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"ok": True})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 while the database answers; what else is away is named, for without it Mesh only does less."""
    parts = readiness.parts()
    since = _troubles.since(parts)
    ready = parts["database"] == readiness.OK
    told = {"ready": ready, "degraded": sorted(since), **parts}
    told["since"] = {name: moment.isoformat() for name, moment in sorted(since.items())}
    return JsonResponse(told, status=200 if ready else 503)
