"""What a person does in a Channel: post, edit, delete, join, leave, archive, add members, write the document."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.pages.frame import PageRequest, done, page
from channels_app.access import Need, channel_for, may
from channels_app.models import Channel, Message
from channels_app.pages.looks import looks
from channels_app.pages.markdown import html
from channels_app.services import channels, messages
from pods.access import Need as PodNeed
from pods.access import pod_for
from pods.errors import ConflictError


@require_POST
@page
def post(request: PageRequest, slug: str) -> HttpResponse:
    channel = channel_for(request.actor, slug, Need.POST)
    reply_to = request.POST.get("reply_to", "")
    messages.post(
        channel,
        by=request.actor,
        body=request.POST.get("body", ""),
        reply_to=int(reply_to) if reply_to.isdecimal() else None,
    )
    return done(request, to=reverse("channel", args=[slug]), said="", changed="message")


@page
def edit(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """A GET gives the form in place of the message; a POST the message again."""
    channel = channel_for(request.actor, slug, Need.POST)
    message = messages.message_for(channel, number)
    if request.method != "POST":
        return render(request, "channels/edit.html", {"channel": channel, "message": message})
    messages.edit(message, by=request.actor, body=request.POST.get("body", ""))
    return _one(request, channel, number)


@page
def message(request: PageRequest, slug: str, number: int) -> HttpResponse:
    return _one(request, channel_for(request.actor, slug, Need.READ), number)


@require_POST
@page
def delete(request: PageRequest, slug: str, number: int) -> HttpResponse:
    channel = channel_for(request.actor, slug, Need.POST)
    messages.delete(messages.message_for(channel, number), by=request.actor)
    return _one(request, channel, number)


@require_POST
@page
def mark(request: PageRequest, slug: str) -> HttpResponse:
    """The page says how far its reader has looked."""
    channel = channel_for(request.actor, slug, Need.READ)
    read = request.POST.get("read", "")
    if read.isdecimal():
        messages.mark(channel, by=request.actor, read=int(read))
    return done(request, to=reverse("channel", args=[slug]), said="", changed="read")


Act = tuple[Need, Callable[..., object], str]
ACTS: dict[str, Act] = {
    "join": (Need.POST, channels.join, "You are in #{}."),
    "leave": (Need.READ, channels.leave, "You have left #{}."),
    "archive": (Need.MANAGE, channels.archive, "#{} is archived. It can be taken back."),
    "unarchive": (Need.MANAGE, channels.unarchive, "#{} is open again."),
}


@require_POST
@page
def act(request: PageRequest, slug: str, verb: str) -> HttpResponse:
    need, service, said = ACTS[verb]
    service(channel_for(request.actor, slug, need), by=request.actor)
    leaves_sight = verb == "leave" and _is_gone(request, slug)
    to = reverse("channels") if leaves_sight else reverse("channel", args=[slug])
    return done(request, to=to, said=said.format(slug), changed="channel")


def _is_gone(request: PageRequest, slug: str) -> bool:
    return Channel.objects.filter(
        organization_id=request.actor.organization_id, slug=slug, is_private=True
    ).exists()


@require_POST
@page
def add_member(request: PageRequest, slug: str) -> HttpResponse:
    kind, _, name = request.POST.get("member", "").partition(":")
    if kind == "pod":
        pod = pod_for(request.actor, name, PodNeed.READ)
        channels.add_pod(channel_for(request.actor, slug, Need.POST), pod, by=request.actor)
        said = f"{pod} is in #{slug}."
    else:
        channel = channel_for(request.actor, slug, Need.MANAGE)
        user = get_object_or_404(User, username=name)
        channels.add_person(channel, user, by=request.actor)
        said = f"{user} is in #{slug}."
    return done(request, to=reverse("channel", args=[slug]), said=said, changed="channel")


@page
def document(request: PageRequest, slug: str) -> HttpResponse:
    """Shown, or with `?edit` as a form. A newer version keeps what was written, beside the other's."""
    need = Need.POST if request.method == "POST" else Need.READ
    channel = channel_for(request.actor, slug, need)
    context = {"channel": channel, "may_post": may(request.actor, channel, Need.POST)}
    if request.method != "POST":
        template = "document_form" if "edit" in request.GET else "document"
        context |= {"text": channel.document, "version": channel.document_version}
        return render(request, f"channels/{template}.html", _shown(context, channel))
    text = request.POST.get("text", "")
    try:
        channels.write_document(
            channel, by=request.actor, text=text, version=_version(request, channel)
        )
    except ConflictError as conflict:
        channel.refresh_from_db()
        context |= {"text": text, "version": channel.document_version, "conflict": conflict.message}
        return render(request, "channels/document_form.html", _shown(context, channel), status=409)
    channel.refresh_from_db()
    return render(request, "channels/document.html", _shown(context, channel))


def _version(request: HttpRequest, channel: Channel) -> int:
    given = request.POST.get("version", "")
    return int(given) if given.isdecimal() else channel.document_version


def _shown(context: dict[str, object], channel: Channel) -> dict[str, object]:
    newest = channel.document_versions.order_by("-version").first()
    return context | {"document": html(channel.document), "newest": newest}


def _one(request: PageRequest, channel: Channel, number: int) -> HttpResponse:
    found: Message = messages.message_for(channel, number)
    above = messages.before(channel, number, 1)
    look = next(looks([found], request.actor, previous=above[0] if above else None))
    context = {"channel": channel, "look": look, "may_post": may(request.actor, channel, Need.POST)}
    return render(request, "channels/message.html", context)
