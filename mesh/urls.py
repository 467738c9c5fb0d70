"""The URL map."""

from django.contrib import admin
from django.urls import include, path

from mesh import metrics, public

admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("channels_app.api.urls")),
    path("api/", include("pods.api.urls")),
    path(".well-known/mesh", public.well_known),
    path("healthz", public.healthz),
    path("readyz", public.readyz),
    path("metrics", metrics.show),
    path("", include("accounts.pages.urls")),
    path("", include("pods.pages.urls")),
    path("", include("channels_app.pages.urls")),
]

handler400 = "mesh.failures.bad_request"
handler403 = "mesh.failures.permission_denied"
handler500 = "mesh.failures.server_error"
