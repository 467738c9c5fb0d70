"""One Pod: its terminal, and beside it what it is doing and has done."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, bindings_for, may_manage, may_see_terminal, may_type, pod_for
from pods.bindings import BindingState
from pods.models import Binding, Pod
from pods.pages.launch_choices import LaunchLook
from pods.pages.looks import PodLook
from pods.pages.steps import steps
from pods.services.attention import EMPTY, queues_of
from pods.services.pods import terminate_pod

EVENTS_SHOWN = 100


@page
def pod(request: PageRequest, key: str) -> HttpResponse:
    found = pod_for(request.actor, key, Need.READ)
    newest = list(found.events.order_by("-pk")[:EVENTS_SHOWN])
    owns = may_type(request.actor, found)
    context = {
        "pod": found,
        "look": PodLook(found, queues_of([found]).get(found.pk, EMPTY), owns),
        "launch": LaunchLook(found),
        "events": newest,
        "steps": steps(found, reversed(newest)),
        "sees_terminal": may_see_terminal(request.actor, found),
        "may_type": owns,
        "may_terminate": owns,
        "asked_for": _asked_for(request, found),
    }
    return render(request, "pods/pod.html", context)


def _asked_for(request: PageRequest, pod: Pod) -> list[Binding]:
    """Requests to watch or drive it that this person may answer."""
    if not may_manage(request.actor, pod):
        return []
    requested = bindings_for(request.actor).filter(target=pod, state=BindingState.REQUESTED)
    return list(requested.order_by("pk"))


@require_POST
@page
def terminate(request: PageRequest, key: str) -> HttpResponse:
    ended = terminate_pod(pod_for(request.actor, key, Need.MANAGE), by=request.actor)
    said = f"{PodLook(ended).headline}: {PodLook(ended).state.word.lower()}."
    return done(request, to=reverse("pod", args=[key]), said=said, changed="pod")
