"""The Organization: its name and its people."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import Membership
from accounts.pages.frame import PageRequest, page


@page
def organization(request: PageRequest) -> HttpResponse:
    members = (
        Membership.objects.filter(organization_id=request.actor.organization_id)
        .select_related("user")
        .order_by("user__username")
    )
    return render(request, "accounts/organization.html", {"members": members})
