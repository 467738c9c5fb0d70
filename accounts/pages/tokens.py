"""API tokens of the person who is signed in: list, create (shown once), revoke."""

from datetime import timedelta
from typing import ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.actor import Scope
from accounts.models import ApiToken, Organization
from accounts.pages.frame import PageRequest, done, page
from accounts.services import issue_api_token, revoke_api_token

SAID: dict[Scope, str] = {
    Scope.PODS_READ: "See Pods, Runners, repositories and workspaces",
    Scope.PODS_WRITE: "Create and terminate Pods, run commands in them",
    Scope.TERMINAL_READ: "Read terminals",
    Scope.TERMINAL_WRITE: "Type into terminals",
    Scope.CHANNELS_READ: "Read Channels",
    Scope.CHANNELS_WRITE: "Post to Channels",
    Scope.RUNNERS_MANAGE: "Enroll, drain and revoke Runners",
    Scope.MEMBERS_MANAGE: "Invite and remove members, change their roles",
}


MANAGING = {Scope.RUNNERS_MANAGE, Scope.MEMBERS_MANAGE}
"""Not what most scripts are for: to be chosen."""


class TokenForm(forms.Form):
    LIVES: ClassVar = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year")]

    name = forms.CharField(
        max_length=100,
        error_messages={"required": "Give it a name, so that you know later what uses it."},
    )
    days = forms.TypedChoiceField(choices=LIVES, coerce=int, initial=90)
    scopes = forms.MultipleChoiceField(
        choices=list(SAID.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=[scope for scope in SAID if scope not in MANAGING],
        error_messages={"required": "Choose at least one thing it may do."},
    )


@never_cache
@page
def tokens(request: PageRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        _, secret = issue_api_token(
            organization=Organization.objects.get(pk=request.actor.organization_id),
            user=request.user,
            name=form.cleaned_data["name"],
            scopes=[Scope(scope) for scope in form.cleaned_data["scopes"]],
            expires_in=timedelta(days=form.cleaned_data["days"]),
        )
        form = TokenForm()
    status = 422 if form.errors else 200
    context = {"form": form, "secret": secret, "tokens": _mine(request)}
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
@page
def revoke_token(request: PageRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(_mine(request), pk=token_id)
    revoke_api_token(token, by=request.actor)
    return done(request, to="tokens", said=f"“{token.name}” is revoked.", changed="token")


def _mine(request: PageRequest) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(
        organization_id=request.actor.organization_id,
        user=request.user,
        revoked_at=None,
        expires_at__gt=now(),
    ).order_by("-created_at")
