"""What ⌘K goes to."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages.frame import PageRequest, page
from pods.access import pods_for, repositories_for, runners_for
from pods.pages.looks import PodLook

PODS_OFFERED = 100


@page
def palette(request: PageRequest) -> HttpResponse:
    pods = pods_for(request.actor).order_by("-state_since")[:PODS_OFFERED]
    context = {
        "pods": [PodLook(pod) for pod in pods],
        "runners": runners_for(request.actor).order_by("name"),
        "repositories": repositories_for(request.actor).order_by("name"),
    }
    return render(request, "parts/palette.html", context)
