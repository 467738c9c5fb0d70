"""What a Pod changed: asked of its Runner, so fetched after the page is there."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages.frame import PageRequest, page
from pods.access import Need, pod_for
from pods.errors import MeshError
from pods.services import terminals

DIFF_SHOWN = 256 * 1024  # characters; the browser has a line of the page for each line


@page
def workspace(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    context: dict[str, Any] = {"pod": pod}
    try:
        context["workspace"] = terminals.workspace(pod)
    except MeshError as error:
        context["problem"] = error
    return render(request, "pods/workspace.html", context)


@page
def diff(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    path = request.GET.get("path", "")
    context: dict[str, Any] = {"pod": pod, "path": path}
    try:
        answer = terminals.workspace_diff(pod, path=path)
        text = answer["diff"]
        context["lines"] = lines(text[:DIFF_SHOWN])
        context["is_cut"] = answer["truncated"] or len(text) > DIFF_SHOWN
    except MeshError as error:
        context["problem"] = error
    return render(request, "pods/diff.html", context)


@dataclass(frozen=True, slots=True)
class Line:
    kind: str  # a class of terminal.css; empty for context
    text: str


def lines(diff: str) -> list[Line]:
    """A unified diff with the kind of each line."""
    return [Line(_kind(text), text) for text in diff.splitlines()]


def _kind(text: str) -> str:
    if text.startswith(("diff --git", "+++", "---")):
        return "file" if text.startswith("diff --git") else "head"
    if text.startswith("@@"):
        return "hunk"
    return {"+": "add", "-": "del"}.get(text[:1], "")
