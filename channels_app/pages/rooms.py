"""All Channels: what is new in them, and a form for another one."""

from django import forms
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.pages.frame import PageRequest, go, page
from channels_app.access import may_create
from channels_app.models import Message
from channels_app.pages.markdown import plain
from channels_app.services import channels, presence
from pods.errors import ConflictError, RefusedError

PREVIEW = 300  # characters of the last message that are looked at


class ChannelForm(forms.Form):
    name = forms.CharField(
        max_length=50, error_messages={"required": "Give it a name, such as fix-the-parser."}
    )
    topic = forms.CharField(max_length=300, required=False)
    private = forms.BooleanField(required=False)


@page
def rooms(request: PageRequest) -> HttpResponse:
    form = ChannelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = channels.create_channel(
                by=request.actor,
                name=form.cleaned_data["name"],
                topic=form.cleaned_data["topic"],
                is_private=form.cleaned_data["private"],
            )
            return go(request, reverse("channel", args=[made.slug]))
        except (RefusedError, ConflictError) as error:
            form.add_error("name", error.message)
    latest = Message.objects.filter(channel=OuterRef("pk"), deleted_at=None).order_by("-number")
    found = presence.rooms_of(request.actor).annotate(
        people=Count("members"),
        latest_body=Subquery(latest.values("body")[:1]),
        latest_author=Subquery(latest.values("author_name")[:1]),
    )
    told = [(room, plain((room.latest_body or "")[:PREVIEW])) for room in found]
    context = {
        "form": form,
        "rooms": [(room, latest) for room, latest in told if room.archived_at is None],
        "archived": [room for room, _ in told if room.archived_at is not None],
        "may_create": may_create(request.actor),
    }
    return render(request, "channels/rooms.html", context, status=422 if form.errors else 200)
