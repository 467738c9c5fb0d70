"""Repositories that Workspaces are made from."""

from typing import Any, cast

from django import forms
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.actor import Actor
from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, credentials_for, repositories_for, repository_for
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import LIVE
from pods.models import Repository
from pods.models.repository import SETUP_MAX_S
from pods.services.repositories import (
    RepositorySettings,
    change_repository,
    create_repository,
    remove_repository,
)


class RepositoryForm(forms.Form):
    url = forms.CharField(
        max_length=500,
        error_messages={"required": "Give the address that git clone takes."},
    )
    name = forms.CharField(required=False, max_length=100)
    default_branch = forms.CharField(required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        """Without a name it is called as its address ends."""
        given = super().clean() or self.cleaned_data
        if not given.get("name"):
            last = given.get("url", "").rstrip("/").removesuffix(".git").rsplit("/", 1)[-1]
            given["name"] = last.rsplit(":", 1)[-1][:100]
        return given


@page
def repositories(request: PageRequest) -> HttpResponse:
    form = RepositoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            create_repository(by=request.actor, **form.cleaned_data)
        except RefusedError as error:
            name = str(error.detail.get("field", "url"))
            form.add_error(name if name in form.fields else "url", error.message)
        except ConflictError as error:
            form.add_error("name", error.message)
        else:
            return redirect("repositories")
    rows = repositories_for(request.actor).annotate(
        live=Count("workspaces__pods", filter=Q(workspaces__pods__state__in=sorted(LIVE)))
    )
    context = {"form": form, "repositories": rows.order_by("name")}
    return render(request, "pods/repositories.html", context, status=422 if form.errors else 200)


class SettingsForm(forms.Form):
    name = forms.CharField(max_length=100)
    default_branch = forms.CharField(required=False, max_length=200)
    copy_from = forms.CharField(required=False, max_length=500)
    copy_globs = forms.CharField(required=False, strip=False, max_length=8000)
    setup_script = forms.CharField(required=False, strip=False)
    setup_timeout_s = forms.IntegerField(min_value=1, max_value=SETUP_MAX_S)
    credentials = forms.ChoiceField(required=False)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shared = credentials_for(actor).filter(user=None).order_by("name")
        sets = [(each.slug, each.name) for each in shared]
        chosen = cast("forms.ChoiceField", self.fields["credentials"])
        chosen.choices = [("", "None: what the Pod has"), *sets]

    def clean_copy_globs(self) -> list[str]:
        lines = self.cleaned_data["copy_globs"].splitlines()
        return [line.strip() for line in lines if line.strip()]

    def clean_setup_script(self) -> str:
        script: str = self.cleaned_data["setup_script"]
        return script.replace("\r\n", "\n")


@page
def settings(request: PageRequest, slug: str) -> HttpResponse:
    repository = repository_for(request.actor, slug, Need.MANAGE)
    if not request.actor.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners change repositories.")
    form = SettingsForm(request.actor, request.POST or None, initial=_as_set(repository))
    if request.method == "POST" and form.is_valid():
        try:
            wanted = RepositorySettings(**form.cleaned_data)
            change_repository(repository, by=request.actor, settings=wanted)
        except RefusedError as error:
            name = str(error.detail.get("field", "name"))
            form.add_error(name if name in form.fields else "name", error.message)
        else:
            return done(request, to="repositories", said=f"“{repository.name}” is changed.")
    context = {"form": form, "repository": repository}
    return render(request, "pods/repository.html", context, status=422 if form.errors else 200)


def _as_set(repository: Repository) -> dict[str, Any]:
    names = ("name", "default_branch", "copy_from", "setup_script", "setup_timeout_s")
    token = repository.git_credentials
    return {
        **{name: getattr(repository, name) for name in names},
        "copy_globs": "\n".join(repository.copy_globs),
        "credentials": token.slug if token else "",
    }


@require_POST
@page
def remove(request: PageRequest, slug: str) -> HttpResponse:
    repository = repository_for(request.actor, slug, Need.MANAGE)
    remove_repository(repository, by=request.actor)
    return done(
        request, to="repositories", said=f"“{repository.name}” is removed.", changed="repository"
    )
