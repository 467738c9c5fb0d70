"""Signing in and out, and which Organization one looks at."""

from typing import Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.access import ORGANIZATION, actor_for_user
from accounts.pages.frame import PageRequest, page
from accounts.services import use_login_link


class SignInForm(AuthenticationForm):
    """Django's, in our words."""

    error_messages = {
        "invalid_login": "This name and password do not go together. Check both; capitals count.",
        "inactive": "This account is switched off. Ask an admin.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"


sign_in = LoginView.as_view(
    template_name="accounts/sign_in.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
)


@never_cache
@sensitive_variables("secret")
def login_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Only the POST uses the link up, so a chat program's preview of it does no harm."""
    if request.method != "POST":
        return render(request, "accounts/login_link.html")
    user = use_login_link(secret)
    if user is None:
        return render(request, "accounts/login_link.html", {"spent": True}, status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("pods")


@require_POST
@page
def switch_organization(request: PageRequest) -> HttpResponse:
    form = _Choice(request.POST)
    if form.is_valid():
        actor = actor_for_user(request.user, form.cleaned_data["organization"])
        request.session[ORGANIZATION] = actor.organization_id
    return redirect(reverse("pods"))


class _Choice(forms.Form):
    organization = forms.IntegerField()
