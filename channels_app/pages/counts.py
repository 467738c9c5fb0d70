"""The counts in the header: unread Channels, and what waits for this person."""

from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject

from accounts.actor import Actor
from accounts.pages.frame import PageRequest, page
from channels_app.access import membership_of
from channels_app.models import Member
from channels_app.pages.calls import calls_of
from channels_app.services import presence
from channels_app.services.inbox import finished_for, inbox_of

PUT_AWAY = "inbox_put_away"  # in the login: keys of broken Pods that were put away
KEPT = 200
ROOMS_OFFERED = 50  # in the palette


def put_away(request: HttpRequest) -> frozenset[str]:
    return frozenset(request.session.get(PUT_AWAY, ()))


def counts(request: HttpRequest) -> dict[str, Any]:
    """Context of every template; asked of the database only where the header is drawn."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {}
    return {
        "header_counts": SimpleLazyObject(lambda: _counts(actor, put_away(request))),
        "header_rooms": presence.rooms_of(actor).filter(archived_at=None)[:ROOMS_OFFERED],
    }


@page
def header(request: PageRequest) -> HttpResponse:
    inbox = inbox_of(request.actor, put_away=put_away(request))
    return render(
        request, "parts/counts.html", {"calls": calls_of(inbox, finished_for(request.actor))}
    )


def _counts(actor: Actor, away: frozenset[str]) -> dict[str, int]:
    unread = Member.objects.filter(
        membership_of(actor),
        channel__organization_id=actor.organization_id,
        channel__archived_at=None,
        read__lt=F("channel__last_number"),
    )
    return {"channels": unread.count(), "inbox": inbox_of(actor, put_away=away).count()}
