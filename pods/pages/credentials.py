"""Keys of model providers: listed by name, made, changed, deleted. What was entered is not shown again."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.actor import Actor
from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, check_may_create, credential_set_for, credentials_for
from pods.declarations import PROVIDERS
from pods.errors import ConflictError, RefusedError
from pods.models import CredentialSet
from pods.services.credentials import (
    CredentialChanges,
    NewCredentials,
    change_credentials,
    create_credentials,
    delete_credentials,
    with_use,
)

PROVIDERS_SAID = {**PROVIDERS, "other": "Another one, with its base URL"}


class CredentialForm(forms.Form):
    name = forms.CharField(
        max_length=80, error_messages={"required": "Give it a name that people choose it by."}
    )
    provider = forms.ChoiceField(choices=list(PROVIDERS_SAID.items()))
    api_key = forms.CharField(required=False, max_length=4096)
    base_url = forms.CharField(required=False, max_length=4096)
    model = forms.CharField(required=False, max_length=100)
    owner = forms.ChoiceField(choices=[("me", "Me alone"), ("all", "Everybody here")])

    def refuse(self, error: RefusedError | ConflictError) -> None:
        """Put the sentence beside the field it is about."""
        name = str(error.detail.get("field", "name"))
        self.add_error(name if name in self.fields else None, error.message)


class ChangeForm(CredentialForm):
    """An empty key means: the old one stays."""

    provider = None  # type: ignore[assignment]
    owner = None  # type: ignore[assignment]
    no_base_url = forms.BooleanField(required=False)


@never_cache
@sensitive_post_parameters("api_key", "base_url")
@page
def credentials(request: PageRequest) -> HttpResponse:
    check_may_create(request.actor)
    form = CredentialForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            create_credentials(by=request.actor, request=_wanted(form.cleaned_data))
        except (RefusedError, ConflictError) as error:
            form.refuse(error)
        else:
            return redirect("credentials")
    context = {"form": form, "sets": _shown(request.actor)}
    return render(request, "launch/credentials.html", context, status=422 if form.errors else 200)


@never_cache
@sensitive_post_parameters("api_key", "base_url")
@page
def credential_set(request: PageRequest, set_id: int) -> HttpResponse:
    found = credential_set_for(request.actor, set_id, Need.MANAGE)
    form = ChangeForm(request.POST or None, initial={"name": found.name, "model": found.model})
    if request.method == "POST" and form.is_valid():
        try:
            change_credentials(found, by=request.actor, changes=_changes(form.cleaned_data))
        except (RefusedError, ConflictError) as error:
            form.refuse(error)
        else:
            return redirect("credentials")
    shown = _shown(request.actor).get(pk=found.pk)
    context = {"form": form, "set": shown, "has": _parts(shown)}
    return render(
        request, "launch/credential_set.html", context, status=422 if form.errors else 200
    )


@require_POST
@page
def delete_credential_set(request: PageRequest, set_id: int) -> HttpResponse:
    found = credential_set_for(request.actor, set_id, Need.MANAGE)
    detach = request.POST.get("detach") == "yes"
    delete_credentials(found, by=request.actor, detach=detach)
    said = f"“{found.name}” is deleted."
    return done(request, to="credentials", said=said, changed="credentials")


def _shown(actor: Actor) -> Any:
    return with_use(credentials_for(actor)).order_by("user", "name")


def _parts(credentials: CredentialSet) -> dict[str, str]:
    """Which secrets it holds, with what is shown of them."""
    return {secret.part: secret.hint for secret in credentials.secrets.all()}


def _wanted(given: dict[str, Any]) -> NewCredentials:
    return NewCredentials(
        name=given["name"].strip(),
        provider=given["provider"],
        api_key=given["api_key"],
        base_url=given["base_url"],
        model=given["model"].strip(),
        personal=given["owner"] == "me",
    )


def _changes(given: dict[str, Any]) -> CredentialChanges:
    return CredentialChanges(
        name=given["name"].strip(),
        api_key=given["api_key"] or None,
        base_url="" if given["no_base_url"] else given["base_url"] or None,
        model=given["model"].strip(),
    )
