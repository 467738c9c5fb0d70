"""One Channel as a conversation, with its members and its document beside it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now

from accounts.models import User
from accounts.pages.frame import PageRequest, page
from channels_app.access import Need, channel_for, may, membership_of
from channels_app.models import Channel, Message
from channels_app.pages.looks import MemberLook, looks
from channels_app.pages.markdown import html
from channels_app.services import messages, presence
from pods.access import pods_for
from pods.models import Pod

WINDOW = 60  # messages a page starts with
ABOVE = 5  # read ones shown above the first unread one
OVERLAP = timedelta(seconds=5)  # clocks of several web processes differ
MENTIONABLE = 200


@dataclass(frozen=True, slots=True)
class Window:
    """A run of messages. `previous` stands just above the first."""

    found: list[Message]
    previous: Message | None

    @property
    def first(self) -> int:
        return self.found[0].number if self.found else 0


@page
def room(request: PageRequest, slug: str) -> HttpResponse:
    channel = _room(request, slug)
    mine = channel.members.filter(membership_of(request.actor)).first()
    read = mine.read if mine else channel.last_number
    at = _number(request, "at")
    window = _window(channel, at, read)
    context = _beside(request, channel) | {
        "rooms": presence.rooms_of(request.actor).filter(archived_at=None),
        "looks": list(looks(window.found, request.actor, previous=window.previous, read=read)),
        "first": window.first,
        "last": window.found[-1].number if window.found else channel.last_number,
        "at": at,
        "read": read,
        "is_member": mine is not None,
        "stamp": now().isoformat(),
    }
    return render(request, "channels/room.html", context)


@page
def message_list(request: PageRequest, slug: str) -> HttpResponse:
    """`before=N`: earlier ones. `after=N`: later ones, and those from `first` on that changed since `since`."""
    channel = channel_for(request.actor, slug, Need.READ)
    stamp = now().isoformat()
    if before := _number(request, "before"):
        window = _with_previous(channel, messages.before(channel, before, WINDOW))
        shown = list(looks(window.found, request.actor, previous=window.previous))
    else:
        after = _number(request, "after")
        window = _with_previous(channel, messages.after(channel, after))
        changed = _changed(request, channel, after)
        shown = [
            *looks(changed, request.actor, previous=None),
            *looks(window.found, request.actor, previous=window.previous),
        ]
    context = {
        "channel": channel,
        "looks": shown,
        "first": window.first,
        "stamp": stamp,
        "may_post": may(request.actor, channel, Need.POST),
    }
    return render(request, "channels/messages.html", context)


@page
def beside(request: PageRequest, slug: str) -> HttpResponse:
    return render(request, "channels/beside.html", _beside(request, _room(request, slug)))


@page
def search(request: PageRequest, slug: str) -> HttpResponse:
    channel = channel_for(request.actor, slug, Need.READ)
    words = request.GET.get("q", "").strip()[:100]
    found = messages.search(channel, words) if words else []
    _with_mentions(found)
    context = {
        "channel": channel,
        "q": words,
        "looks": [next(looks([each], request.actor)) for each in found],
    }
    return render(request, "channels/found.html", context)


@page
def names(request: PageRequest, slug: str) -> HttpResponse:
    """Whom an @ may call: members first, then everybody else of the Organization."""
    channel = channel_for(request.actor, slug, Need.READ)
    members = channel.members.values_list("user_id", "pod_id")
    inside_users, inside_pods = {user for user, _ in members}, {pod for _, pod in members}
    people = _people(request)[:MENTIONABLE]
    pods = pods_for(request.actor).live().order_by("-pk")[:MENTIONABLE]
    told = [_told(p.username, str(p), "person", p.pk in inside_users) for p in people]
    told += [_told(p.key, str(p), "pod", p.pk in inside_pods) for p in pods]
    return JsonResponse({"names": sorted(told, key=lambda each: not each["member"])})


def _told(name: str, said: str, kind: str, is_member: bool) -> dict[str, Any]:  # noqa: FBT001 - a row
    return {"name": name, "said": said, "kind": kind, "member": is_member}


def _room(request: PageRequest, slug: str) -> Channel:
    """With `unread`."""
    channel_for(request.actor, slug, Need.READ)
    return presence.rooms_of(request.actor).get(slug=slug)


def _window(channel: Channel, at: int, read: int) -> Window:
    """Around `at`; else from the first unread one on, if there are many; else the last ones."""
    start = max(at - WINDOW // 2, 0) if at else max(read - ABOVE, 0)
    if at or channel.last_number - read > WINDOW - ABOVE:
        return _with_previous(channel, messages.after(channel, start, WINDOW))
    return _with_previous(channel, messages.before(channel, channel.last_number + 1, WINDOW))


def _with_previous(channel: Channel, found: list[Message]) -> Window:
    _with_mentions(found)
    above = messages.before(channel, found[0].number, 1) if found else []
    return Window(found, above[0] if above else None)


def _with_mentions(found: list[Message]) -> None:
    prefetch_related_objects(found, "mentions__user", "mentions__pod")


def _changed(request: HttpRequest, channel: Channel, last: int) -> list[Message]:
    since = _moment(request)
    if since is None:
        return []
    changed = Q(edited_at__gt=since) | Q(deleted_at__gt=since) | Q(mentions__typed_at__gt=since)
    numbers = channel.messages.filter(
        changed, number__gte=_number(request, "first"), number__lte=last
    ).values_list("number", flat=True)
    found = [messages.message_for(channel, number) for number in sorted(set(numbers))]
    _with_mentions(found)
    return found


def _moment(request: HttpRequest) -> datetime | None:
    try:
        since = parse_datetime(request.GET.get("since", ""))
    except ValueError:
        return None
    return since - OVERLAP if since and since.tzinfo else None


def _beside(request: PageRequest, channel: Channel) -> dict[str, Any]:
    members = list(presence.members_of(channel))
    people = [member.user_id for member in members if member.user_id is not None]
    pods = [member.pod_id for member in members if member.pod_id is not None]
    may_manage = may(request.actor, channel, Need.MANAGE)
    return {
        "channel": channel,
        "members": [MemberLook(member, channel.last_number) for member in members],
        "document": html(channel.document),
        "is_member": any(m.user_id == request.actor.user_id and not m.pod_id for m in members),
        "may_post": may(request.actor, channel, Need.POST),
        "may_manage": may_manage,
        "other_people": _people(request).exclude(pk__in=people) if may_manage else [],
        "other_pods": _other_pods(request, pods),
    }


def _people(request: PageRequest) -> Any:
    organization = request.actor.organization_id
    return User.objects.filter(memberships__organization_id=organization).order_by("username")


def _other_pods(request: PageRequest, inside: list[int]) -> list[Pod]:
    return list(pods_for(request.actor).live().exclude(pk__in=inside).order_by("-pk")[:MENTIONABLE])


def _number(request: HttpRequest, name: str) -> int:
    given = request.GET.get(name, "")
    return int(given) if given.isdecimal() and len(given) <= 18 else 0  # noqa: PLR2004 - a bigint
