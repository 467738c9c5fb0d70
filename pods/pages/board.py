"""All Pods as cards."""

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages.frame import PageRequest, page
from pods.access import pods_for, repositories_for, runners_for
from pods.lifecycle import ENDED
from pods.models.pod import PodQuerySet
from pods.pages.looks import grouped

ENDED_SHOWN = 24


@page
def board(request: PageRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:100]
    pods = _matching(pods_for(request.actor).filter(archived_at=None), words)
    going_on = pods.exclude(state__in=ENDED).order_by("-state_since")
    ended = list(pods.filter(state__in=ENDED).order_by("-state_since")[: ENDED_SHOWN + 1])
    context = {
        "groups": grouped([*going_on, *ended[:ENDED_SHOWN]]),
        "more_ended": len(ended) > ENDED_SHOWN,
        "ended_shown": ENDED_SHOWN,
        "q": words,
        "has_runners": runners_for(request.actor).exists(),
        "has_repositories": repositories_for(request.actor).exists(),
    }
    return render(request, "pods/board.html", context)


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
