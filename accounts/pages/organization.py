"""The Organization: its people, what each may do, and inviting more of them."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import invitation_for, invitations_for, member_for, members_for
from accounts.errors import RefusedError
from accounts.invitations import invite, withdraw_invitation
from accounts.models import Role
from accounts.pages.frame import PageRequest, done, go, page
from accounts.services import change_role, remove_member

MAY: dict[str, str] = {
    Role.OWNER: "everything",
    Role.ADMIN: "everything except making owners",
    Role.MEMBER: "see all; create Pods, type into and end their own",
    Role.VIEWER: "see all, change nothing",
}


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


@page
def organization(request: PageRequest) -> HttpResponse:
    return render(request, "accounts/organization.html", _shown(request))


@require_POST
@never_cache
@page
def invite_somebody(request: PageRequest) -> HttpResponse:
    """The link is in this answer and nowhere else."""
    invitation, secret = invite(role=_role(request), by=request.actor)
    link = settings.PUBLIC_URL + reverse("join", args=[secret])
    context = {"invitation": invitation, "link": link, **_shown(request)}
    return render(request, "accounts/organization.html", context)


@require_POST
@page
def withdraw(request: PageRequest, invitation_id: int) -> HttpResponse:
    withdraw_invitation(invitation_for(request.actor, invitation_id), by=request.actor)
    return done(request, to="organization", said="The link is void.", changed="member")


@require_POST
@page
def give_role(request: PageRequest, member_id: int) -> HttpResponse:
    member = member_for(request.actor, member_id)
    change_role(member, _role(request), by=request.actor)
    said = f"{member.user} is {member.role} now."
    return done(request, to="organization", said=said, changed="member")


@require_POST
@page
def remove(request: PageRequest, member_id: int) -> HttpResponse:
    member = member_for(request.actor, member_id)
    remove_member(member, by=request.actor)
    if member.user_id == request.actor.user_id:
        return go(request, reverse("pods"))
    said = f"{member.user} is no member any more."
    return done(request, to="organization", said=said, changed="member")


def _role(request: PageRequest) -> Role:
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise RefusedError("bad_role", f"A role is one of {', '.join(Role.values)}.")
    return Role(form.cleaned_data["role"])


def _shown(request: PageRequest) -> dict[str, Any]:
    actor = request.actor
    members = [(member, MAY[member.role]) for member in members_for(actor)]
    if not actor.manages_all:
        return {"members": members}
    mine = [role for role in Role if role != Role.OWNER or actor.role == Role.OWNER]
    return {
        "members": members,
        "invitations": invitations_for(actor),
        "roles": [(role, MAY[role]) for role in reversed(mine)],
    }
