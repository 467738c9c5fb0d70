"""What waits for the person who is signed in."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from channels_app.pages.counts import KEPT, PUT_AWAY, put_away
from channels_app.pages.looks import looks
from channels_app.services.inbox import inbox_of
from pods.access import Need, may_type, pod_for
from pods.models import Pod
from pods.pages.looks import PodLook
from pods.services.attention import EMPTY, queues_of

MENTIONS_SHOWN = 50


@page
def inbox(request: PageRequest) -> HttpResponse:
    found = inbox_of(request.actor, put_away=put_away(request))
    mentions = [each.message for each in found.mentions[:MENTIONS_SHOWN]]
    context = {
        "waiting": _waiting(request, found.waiting),
        "requests": list(found.requests),
        "mentions": [next(looks([each], request.actor)) for each in mentions],
        "broken": [PodLook(pod) for pod in found.broken],
    }
    return render(request, "channels/inbox.html", context)


def _waiting(request: PageRequest, pods: Iterable[Pod]) -> list[PodLook]:
    """Who waits longest first."""
    pods = list(pods)
    queues = queues_of(pods)
    looks = [PodLook(pod, queues.get(pod.pk, EMPTY), may_type(request.actor, pod)) for pod in pods]
    return sorted(looks, key=lambda look: look.since)


@require_POST
@page
def put_away_pod(request: PageRequest, key: str) -> HttpResponse:
    pod: Pod = pod_for(request.actor, key, Need.READ)
    kept = [*request.session.get(PUT_AWAY, []), pod.key]
    request.session[PUT_AWAY] = kept[-KEPT:]
    return done(request, to="inbox", said="", changed="pod")
