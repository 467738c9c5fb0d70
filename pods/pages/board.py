"""All Pods as cards, those that need a person first; and one of them looked at without attaching to it."""

from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages.frame import PageRequest, page
from pods.access import (
    Need,
    may_see_terminal,
    may_type,
    pod_for,
    pods_for,
    repositories_for,
    runners_for,
)
from pods.errors import MeshError
from pods.lifecycle import ENDED
from pods.models.pod import PodQuerySet
from pods.pages.looks import PodLook, grouped
from pods.services import terminals
from pods.services.attention import EMPTY, queues_of

ENDED_SHOWN = 24
LINES_SHOWN = 14


@page
def board(request: PageRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:100]
    archived = request.GET.get("archived") == "1"
    everyone = pods_for(request.actor)
    pods = _matching(everyone.filter(archived_at__isnull=not archived), words)
    going_on = pods.exclude(state__in=ENDED).order_by("-state_since")
    ended = list(pods.filter(state__in=ENDED).order_by("-state_since")[: ENDED_SHOWN + 1])
    shown = [*going_on, *ended[:ENDED_SHOWN]]
    queues = queues_of(shown)
    looks = [PodLook(pod, queues.get(pod.pk, EMPTY), may_type(request.actor, pod)) for pod in shown]
    context = {
        "groups": grouped(looks),
        "more_ended": len(ended) > ENDED_SHOWN,
        "ended_shown": ENDED_SHOWN,
        "q": words,
        "archived": archived,
        "has_archived": archived or everyone.exclude(archived_at=None).exists(),
        "has_runners": runners_for(request.actor).exists(),
        "has_repositories": repositories_for(request.actor).exists(),
    }
    return render(request, "pods/board.html", context)


@page
def peek(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    queue = queues_of([pod]).get(pod.pk, EMPTY)
    context = {
        "pod": pod,
        "look": PodLook(pod, queue, may_type(request.actor, pod)),
        "sees_terminal": may_see_terminal(request.actor, pod),
    }
    return render(request, "pods/peek.html", context)


@page
def last_lines(request: PageRequest, key: str) -> HttpResponse:
    """The end of what is on its screen; the last screen known while its Runner is away."""
    pod = pod_for(request.actor, key, Need.READ)
    context: dict[str, Any] = {"pod": pod}
    if may_see_terminal(request.actor, pod):
        try:
            seen = terminals.screen(pod)
        except MeshError as error:
            context["problem"] = error
        else:
            context["text"] = last(str(seen.get("text", "")), LINES_SHOWN)
    return render(request, "pods/last_lines.html", context)


def last(text: str, count: int) -> str:
    """The last lines with something on them; in between, empty ones stay."""
    lines = text.rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines[-count:])


def _matching(pods: PodQuerySet, words: str) -> PodQuerySet:
    for word in words.split():
        pods = pods.filter(
            Q(key__icontains=word)
            | Q(name__icontains=word)
            | Q(prompt__icontains=word)
            | Q(state__icontains=word)
            | Q(workspace__branch__icontains=word)
            | Q(runner__name__icontains=word)
            | Q(agent_type__name__icontains=word)
        )
    return pods
