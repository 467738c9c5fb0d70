"""A picture of who works with whom, and the same as a list."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.pages.frame import PageRequest, page
from channels_app.services.picture import Picture, picture_of
from pods.models import Pod
from pods.pages.looks import PodLook


@page
def map_page(request: PageRequest) -> HttpResponse:
    picture = picture_of(request.actor)
    context = {"rows": _rows(picture), "picture": picture}
    return render(request, "channels/map.html", context)


@page
def map_data(request: PageRequest) -> HttpResponse:
    picture = picture_of(request.actor)
    known = {pod.pk: pod.key for pod in picture.pods}
    return JsonResponse(
        {
            "pods": [_pod(pod, known) for pod in picture.pods],
            "channels": [
                {
                    "key": each.slug,
                    "url": reverse("channel", args=[each.slug]),
                    "messages": each.last_number,
                    "private": each.is_private,
                }
                for each in picture.channels
            ],
            "bindings": [
                {
                    "holder": each.holder.key,
                    "target": each.target.key,
                    "writes": each.can_write,
                    "state": each.state,
                }
                for each in picture.bindings
            ],
            "members": [
                {"channel": each.channel.slug, "pod": each.pod.key}
                for each in picture.members
                if each.pod
            ],
        }
    )


def _pod(pod: Pod, known: dict[int, str]) -> dict[str, Any]:
    look = PodLook(pod)
    return {
        "key": pod.key,
        "url": reverse("pod", args=[pod.key]),
        "said": look.headline,
        "agent": pod.agent_type.name,
        "parent": known.get(pod.parent_id or 0),
        "word": look.says.word if look.says and not look.is_ended else look.state.word,
        "shape": look.state.shape,
        "tone": look.says.tone if look.says and not look.is_ended else look.state.tone,
        "ended": look.is_ended,
    }


def _rows(picture: Picture) -> list[dict[str, Any]]:
    """Each Pod with whom it made, watches, drives and talks to."""
    return [
        {
            "look": PodLook(pod),
            "parent": pod.parent,
            "children": [each for each in picture.pods if each.parent_id == pod.pk],
            "holds": [each for each in picture.bindings if each.holder_id == pod.pk],
            "held_by": [each for each in picture.bindings if each.target_id == pod.pk],
            "channels": [each.channel for each in picture.members if each.pod_id == pod.pk],
        }
        for pod in picture.pods
    ]
