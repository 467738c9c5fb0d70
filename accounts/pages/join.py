"""Becoming a member by an invitation: as who is signed in, or as somebody new."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from accounts.access import ORGANIZATION
from accounts.errors import ConflictError, NotVisibleError
from accounts.invitations import accept_as_new, accept_invitation, invitation_behind
from accounts.models import Invitation, User

PAGE = "accounts/join.html"


class NewPersonForm(UserCreationForm):  # type: ignore[type-arg] # a plain class at run time
    """Django's, in our words."""

    class Meta:
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"


@never_cache
@sensitive_variables("secret")
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Only a POST uses the link up, so a chat program's preview of it does no harm."""
    try:
        invitation = invitation_behind(secret)
        if isinstance(request.user, User):
            return _as_oneself(request, invitation, secret, request.user)
        return _as_somebody_new(request, invitation, secret)
    except NotVisibleError as void:
        return render(request, PAGE, {"void": void.message}, status=410)


def _as_oneself(
    request: HttpRequest, invitation: Invitation, secret: str, user: User
) -> HttpResponse:
    if request.method != "POST":
        return render(request, PAGE, {"invitation": invitation})
    try:
        accept_invitation(secret, user)
    except ConflictError as error:
        return render(request, "refused.html", {"error": error}, status=409)
    return _welcome(request, invitation)


def _as_somebody_new(request: HttpRequest, invitation: Invitation, secret: str) -> HttpResponse:
    form = NewPersonForm(request.POST or None)
    if not form.is_valid():
        context = {"invitation": invitation, "form": form}
        return render(request, PAGE, context, status=422 if form.errors else 200)
    given = form.cleaned_data
    user = accept_as_new(secret, username=given["username"], password=given["password1"])
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return _welcome(request, invitation)


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    request.session[ORGANIZATION] = invitation.organization_id
    return redirect("pods")
