"""Repositories that Workspaces are made from."""

from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, repositories_for, repository_for
from pods.errors import ConflictError, RefusedError
from pods.lifecycle import LIVE
from pods.services.repositories import create_repository, remove_repository


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


@require_POST
@page
def remove(request: PageRequest, slug: str) -> HttpResponse:
    repository = repository_for(request.actor, slug, Need.MANAGE)
    remove_repository(repository, by=request.actor)
    return done(
        request, to="repositories", said=f"“{repository.name}” is removed.", changed="repository"
    )
