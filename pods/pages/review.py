"""Reading what a Pod changed: files with ticks that go stale, lines with comments, and one prompt of them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, may_manage, may_type, pod_for
from pods.errors import MeshError, RefusedError
from pods.models import Pod, ReviewComment
from pods.pages.diff_rows import Hunk, hunks, notes
from pods.pages.looks import PodLook
from pods.services import reviews, terminals
from pods.services.reviews import Remark

VIEWS = ("unified", "split")
SEEN = "review-view"  # cookie: how this person likes to read
YEAR_S = 365 * 86_400
_LETTERS = {"added": "A", "deleted": "D", "renamed": "R", "copied": "C"}


@dataclass(frozen=True)
class FileLook:
    """A changed file as the page shows it. `ticked`: what this person ticked it as; None: they did not."""

    told: Mapping[str, Any]
    ticked: str | None = None
    comments: list[ReviewComment] = field(default_factory=list)

    @property
    def letter(self) -> str:
        return _LETTERS.get(self.told.get("status", ""), "M")

    @property
    def state(self) -> str:
        """reviewed, stale or open."""
        if self.ticked is None:
            return "open"
        return "reviewed" if self.ticked == self.told.get("blob") else "stale"

    @property
    def hunks(self) -> list[Hunk]:
        return hunks(self.told.get("patch") or "")

    @property
    def notes(self) -> list[str]:
        return notes(self.told.get("patch") or "")


@page
def review(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    view, base = _view(request), _base(request)
    context: dict[str, Any] = {
        "pod": pod,
        "look": PodLook(pod),
        "view": view,
        "base": base,
        "may_type": may_type(request.actor, pod) and not PodLook(pod).is_ended,
        "may_manage": may_manage(request.actor, pod),
    }
    try:
        listed = terminals.workspace_diff(pod, base=base, listed=True)
        context |= {"listed": _looks(request, pod, listed), "diff": listed}
        context |= _page(request, pod, {"base": base})
        context["comments"] = reviews.waiting(pod, by=request.actor).count()
    except MeshError as error:
        context["problem"] = error
    response = render(request, "pods/review.html", context)
    response.set_cookie(SEEN, view, max_age=YEAR_S, samesite="Lax", httponly=True)
    return response


@page
def more(request: PageRequest, key: str) -> HttpResponse:
    """The following files, for the end of the page."""
    pod = pod_for(request.actor, key, Need.READ)
    context: dict[str, Any] = {"pod": pod, "view": _view(request), "base": _base(request)}
    try:
        context |= _page(request, pod, {"cursor": request.GET.get("cursor", "")})
    except MeshError as error:
        context["problem"] = error
    return render(request, "pods/review_files.html", context)


@page
def moment(request: PageRequest, key: str) -> HttpResponse:
    """What names the files as they are now: a page compares it with what it shows."""
    pod = pod_for(request.actor, key, Need.READ)
    try:
        now = terminals.workspace_diff(pod, base=_base(request), listed=True)
    except MeshError:
        return JsonResponse({"tree": ""})
    return JsonResponse({"tree": f"{now.get('base')}.{now.get('tree')}"})


@require_POST
@page
def tick(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    path, blob = request.POST.get("path", ""), request.POST.get("blob", "")
    if request.POST.get("reviewed") == "1":
        reviews.tick(pod, by=request.actor, path=path, blob=blob)
    else:
        reviews.untick(pod, by=request.actor, path=path)
    return done(request, to=_home(pod), said="")


@require_POST
@page
def comment(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    given = request.POST
    if not (line := given.get("line", "")).isdecimal() or len(line) > 9:  # noqa: PLR2004 - a line number
        raise RefusedError("bad_line", "A comment is on a line.")
    remark = Remark(
        path=given.get("path", ""),
        line=int(line),
        text=given.get("text", ""),
        side=given.get("side", "new"),
        quoted=given.get("quoted", ""),
    )
    made = reviews.comment(pod, remark, by=request.actor)
    return render(request, "pods/review_comment.html", {"pod": pod, "comment": made})


@require_POST
@page
def take_back(request: PageRequest, key: str, comment_id: int) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    reviews.take_back(pod, comment_id, by=request.actor)
    return done(request, to=_home(pod), said="")


@page
def preview(request: PageRequest, key: str) -> HttpResponse:
    """The comments as the prompt they will be; it can still be changed."""
    pod = pod_for(request.actor, key, Need.TYPE)
    comments = list(reviews.waiting(pod, by=request.actor))
    context = {"pod": pod, "text": reviews.as_prompt(comments), "count": len(comments)}
    return render(request, "pods/review_preview.html", context)


@require_POST
@page
def send(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.TYPE)
    prompt = reviews.send(pod, by=request.actor, text=request.POST.get("text", ""))
    said = f"Sent as prompt {prompt.number} of {PodLook(pod).headline}."
    return done(request, to=_home(pod), said=said, changed="prompt")


# ----


def _page(request: PageRequest, pod: Pod, asked: Mapping[str, str]) -> dict[str, Any]:
    found = terminals.workspace_diff(pod, **asked)
    return {"files": _looks(request, pod, found), "next": found.get("next", "")}


def _looks(request: PageRequest, pod: Pod, found: Mapping[str, Any]) -> list[FileLook]:
    ticked = reviews.ticks(pod, by=request.actor)
    said: dict[str, list[ReviewComment]] = {}
    for each in reviews.waiting(pod, by=request.actor):
        said.setdefault(each.path, []).append(each)
    return [
        FileLook(told, ticked.get(told["path"]), said.get(told["path"], []))
        for told in found.get("files", ())
    ]


def _view(request: PageRequest) -> str:
    wanted = request.GET.get("view") or request.COOKIES.get(SEEN, "")
    return wanted if wanted in VIEWS else VIEWS[0]


def _base(request: PageRequest) -> str:
    return "HEAD" if request.GET.get("base") == "HEAD" else ""


def _home(pod: Pod) -> str:
    return reverse("review", args=[pod.key])
