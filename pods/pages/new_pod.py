"""One form for a new Pod. What one used last is chosen already: it is read from their newest Pod."""

import shlex
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.actor import Actor
from accounts.pages.frame import PageRequest, go, page
from pods.access import check_may_create, repositories_for, runners_for
from pods.errors import RefusedError
from pods.models import Pod
from pods.pages.launch_choices import (
    PERMISSIONS_SAID,
    agent_choices,
    credential_choices,
    last_chosen,
)
from pods.services.pods import PodRequest, create_pod

FIELD_OF = {"argv": "command"}
"""Where the form calls something by another name than the service."""
CHOSEN = ("permissions", "model", "version", "credentials", "cols", "rows")


class PodForm(forms.Form):
    prompt = forms.CharField(required=False, strip=False)
    command = forms.CharField(required=False, max_length=4000)
    base = forms.CharField(required=False, max_length=200)
    labels = forms.CharField(required=False, max_length=2000)
    name = forms.CharField(required=False, max_length=100)
    model = forms.CharField(required=False, max_length=100)
    version = forms.CharField(required=False, max_length=60)
    cols = forms.IntegerField(required=False)
    rows = forms.IntegerField(required=False)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agents = agent_choices(actor)
        self.repositories = list(repositories_for(actor).order_by("name"))
        self.runners = list(runners_for(actor).usable().order_by("name"))
        self.agent_types = [each.agent_type for each in self.agents]
        agents = [(each.slug, each.name) for each in self.agent_types]
        repositories = [
            ("", "Empty directory"),
            *((each.slug, each.name) for each in self.repositories),
        ]
        runners = [("", "Any that fits"), *((str(each.pk), _said(each)) for each in self.runners)]
        self.fields["agent_type"] = forms.ChoiceField(choices=agents)
        self.fields["repository"] = forms.ChoiceField(choices=repositories, required=False)
        self.fields["permissions"] = forms.ChoiceField(
            choices=[("", "As usual here"), *PERMISSIONS_SAID.items()], required=False
        )
        self.fields["credentials"] = forms.ChoiceField(
            choices=credential_choices(actor), required=False
        )
        self.fields["runner"] = forms.ChoiceField(choices=runners, required=False)

    def clean_command(self) -> tuple[str, ...]:
        try:
            return tuple(shlex.split(self.cleaned_data["command"]))
        except ValueError as error:
            raise forms.ValidationError(
                f"This is not a command line: {str(error).lower()}. Close the quotes."
            ) from error

    def clean_labels(self) -> dict[str, str]:
        pairs = [pair.strip() for pair in self.cleaned_data["labels"].split(",") if pair.strip()]
        labels = {}
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not (name.strip() and equals):
                raise forms.ValidationError("Write labels as name=value, with commas between.")
            labels[name.strip()] = value.strip()
        return labels

    def as_request(self) -> PodRequest:
        asked = self.cleaned_data
        command_given = self._takes_command(asked["agent_type"])
        return PodRequest(
            agent_type=asked["agent_type"],
            repository=asked["repository"],
            base=asked["base"].strip() if asked["repository"] else "",
            prompt=asked["prompt"].replace("\r\n", "\n").strip("\n"),
            runner=asked["runner"],
            labels=asked["labels"],
            name=asked["name"],
            argv=asked["command"] if command_given else (),
            **{name: asked[name] for name in CHOSEN if asked[name]},
        )

    def refuse(self, error: RefusedError) -> None:
        """Put the sentence beside the field it is about."""
        name = str(error.detail.get("field", ""))
        name = FIELD_OF.get(name, name)
        self.add_error(name if name in self.fields else None, error.message)

    def _takes_command(self, slug: str) -> bool:
        return any(each.slug == slug and each.takes_argv for each in self.agent_types)


@page
def new_pod(request: PageRequest) -> HttpResponse:
    check_may_create(request.actor)
    if request.method != "POST":
        return _show(request, PodForm(request.actor, initial=_last_used(request)))
    form = PodForm(request.actor, request.POST)
    if form.is_valid():
        try:
            pod = create_pod(by=request.actor, request=form.as_request())
        except RefusedError as error:
            form.refuse(error)
        else:
            return go(request, reverse("pod", args=[pod.key]))
    return _show(request, form)


def _show(request: PageRequest, form: PodForm) -> HttpResponse:
    return render(request, "pods/new.html", {"form": form}, status=422 if form.errors else 200)


def _last_used(request: PageRequest) -> dict[str, Any]:
    used = _from_newest(request.actor)
    if repository := request.GET.get("repository"):
        used |= {"repository": repository, "base": ""}
    if runner := request.GET.get("runner"):
        used |= {"runner": runner}
    return used


def _from_newest(actor: Actor) -> dict[str, Any]:
    newest = (
        Pod.objects.filter(organization_id=actor.organization_id, owner_id=actor.user_id)
        .select_related("agent_type", "credentials", "workspace__repository")
        .order_by("-pk")
        .first()
    )
    if newest is None:
        return {"agent_type": "demo"}
    workspace = newest.workspace
    repository = workspace.repository if workspace else None
    return {
        **last_chosen(newest),
        "agent_type": newest.agent_type.slug,
        "command": shlex.join(newest.spec.get("argv", [])) if newest.agent_type.takes_argv else "",
        "repository": repository.slug if repository else "",
        "base": workspace.base if workspace and repository else "",
        "runner": str(newest.wanted.get("runner") or ""),
        "labels": ", ".join(f"{k}={v}" for k, v in newest.wanted.get("labels", {}).items()),
    }


def _said(runner: Any) -> str:
    if runner.draining_since:
        return f"{runner.name} (draining)"
    return runner.name if runner.is_online else f"{runner.name} (offline)"
