"""What waits for the person who is signed in."""

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
from pods.services import terminals

MENTIONS_SHOWN = 50


@page
def inbox(request: PageRequest) -> HttpResponse:
    found = inbox_of(request.actor, put_away=put_away(request))
    mentions = [each.message for each in found.mentions[:MENTIONS_SHOWN]]
    context = {
        "waiting": [(PodLook(pod), may_type(request.actor, pod)) for pod in found.waiting],
        "requests": list(found.requests),
        "mentions": [next(looks([each], request.actor)) for each in mentions],
        "broken": [PodLook(pod) for pod in found.broken],
    }
    return render(request, "channels/inbox.html", context)


@require_POST
@page
def answer(request: PageRequest, key: str) -> HttpResponse:
    """A line for a Pod that waits, typed into its terminal as if one sat there."""
    pod = pod_for(request.actor, key, Need.TYPE)
    text = request.POST.get("text", "").strip()
    if not text:
        return done(request, to="inbox", said="Nothing was typed: write an answer first.")
    terminals.type_into(pod, by=request.actor, text=text, submit=True)
    return done(request, to="inbox", said=f"Typed into {pod}.", changed="pod")


@require_POST
@page
def put_away_pod(request: PageRequest, key: str) -> HttpResponse:
    pod: Pod = pod_for(request.actor, key, Need.READ)
    kept = [*request.session.get(PUT_AWAY, []), pod.key]
    request.session[PUT_AWAY] = kept[-KEPT:]
    return done(request, to="inbox", said="", changed="pod")
