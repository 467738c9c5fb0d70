"""What is done with a Pod and its Workspace from the pages: commit, push, merge request, archive, resume, fork, removal."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, go, page
from pods.access import Need, pod_for
from pods.models import Pod
from pods.pages.looks import PodLook
from pods.services import archive, merge_requests, resume, workspaces


@require_POST
@page
def commit(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.MANAGE)
    made = workspaces.commit_workspace(
        pod, by=request.actor, message=request.POST.get("message", "").replace("\r\n", "\n")
    )
    files = f"{made['files']} file{'' if made['files'] == 1 else 's'}"
    return _said(request, pod, f"Committed {files} as {str(made['commit'])[:10]}.")


@require_POST
@page
def push(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.MANAGE)
    made = workspaces.push_workspace(pod, by=request.actor)
    return _said(request, pod, f"Pushed {made['branch']} to {made['remote']}.")


@require_POST
@page
def merge(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.MANAGE)
    title, body = (request.POST.get(name, "") for name in ("title", "body"))
    url = merge_requests.open_merge_request(pod, by=request.actor, title=title, body=body)
    return _said(request, pod, f"Opened {url}")


@require_POST
@page
def remove(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.MANAGE)
    confirm = request.POST.get("confirm", "").strip()
    workspaces.remove_workspace(pod, by=request.actor, confirm=confirm)
    return _said(request, pod, "The Workspace is in the trash of its Runner for 14 days.")


@require_POST
@page
def restore(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.MANAGE)
    workspaces.restore_workspace(pod, by=request.actor)
    return _said(request, pod, "The Workspace is back.")


@require_POST
@page
def put_away(request: PageRequest, key: str) -> HttpResponse:
    pod = archive.archive_pod(pod_for(request.actor, key, Need.MANAGE), by=request.actor)
    said = f"{PodLook(pod).headline[:80]} is archived."
    messages.success(request, said, extra_tags=reverse("unarchive-pod", args=[pod.key]))
    return go(request, reverse("pods"))


@require_POST
@page
def bring_back(request: PageRequest, key: str) -> HttpResponse:
    pod = archive.unarchive_pod(pod_for(request.actor, key, Need.MANAGE), by=request.actor)
    return _said(request, pod, f"{PodLook(pod).headline[:80]} is back.")


@require_POST
@page
def go_on(request: PageRequest, key: str) -> HttpResponse:
    return _another(request, key, resume.resume_pod)


@require_POST
@page
def fork(request: PageRequest, key: str) -> HttpResponse:
    return _another(request, key, resume.fork_pod)


def _another(request: PageRequest, key: str, make: Callable[..., Pod]) -> HttpResponse:
    old = pod_for(request.actor, key, Need.MANAGE)
    prompt = request.POST.get("prompt", "").replace("\r\n", "\n")
    new = make(old, by=request.actor, prompt=prompt)
    return go(request, reverse("pod", args=[new.key]))


def _said(request: PageRequest, pod: Pod, said: str) -> HttpResponse:
    return done(request, to=reverse("pod", args=[pod.key]), said=said, changed="pod")
