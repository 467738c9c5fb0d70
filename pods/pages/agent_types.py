"""What can be launched: which Runner has it and why not, and an editor for the Organization's own."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from pods.access import agent_type_for, agent_types_for, check_manages_agent_types, runners_for
from pods.declarations import Problem, permission_modes
from pods.errors import ConflictError, RefusedError
from pods.models import AgentType, Runner
from pods.services.agent_types import (
    AgentTypeRequest,
    as_written,
    change_agent_type,
    create_agent_type,
)
from pods.services.availability import Availability, availability

TEMPLATE = """\
slug = "my-agent"
name = "My agent"
description = "What it is for."

[install]
program = "my-agent" # must be on the Runner's PATH

[launch]
argv = ["my-agent"]
"""


@dataclass(frozen=True)
class There:
    runner: Runner
    found: Availability


@dataclass(frozen=True)
class AgentTypeLook:
    agent_type: AgentType
    runners: list[Runner]

    @property
    def declared(self) -> dict[str, Any]:
        return self.agent_type.declared

    @property
    def permissions(self) -> list[str]:
        return permission_modes(self.declared)

    @property
    def is_own(self) -> bool:
        return self.agent_type.organization_id is not None

    @property
    def there(self) -> list[There]:
        return [There(each, availability(each, self.declared)) for each in self.runners]


class DeclarationForm(forms.Form):
    declaration = forms.CharField(strip=False, max_length=256 * 1024)


@page
def agent_types(request: PageRequest) -> HttpResponse:
    own = AgentType.objects.filter(organization_id=request.actor.organization_id)
    found = (agent_types_for(request.actor) | own).order_by("name")
    runners = list(runners_for(request.actor).usable().order_by("name"))
    looks = [AgentTypeLook(each, runners) for each in found]
    return render(request, "launch/agent_types.html", {"looks": looks, "runners": runners})


@page
def new_agent_type(request: PageRequest) -> HttpResponse:
    """Empty, or with `?from=` another type's declaration to begin with."""
    check_manages_agent_types(request.actor)
    text = TEMPLATE
    if slug := request.GET.get("from"):
        text = as_written(agent_type_for(request.actor, slug))
    problems: list[Problem] = []
    if request.method == "POST":
        text = _text(request)
        try:
            create_agent_type(by=request.actor, request=AgentTypeRequest(declaration=text))
        except RefusedError as error:
            problems = _problems(error)
        except ConflictError as error:
            problems = [Problem("slug", error.message)]
        else:
            return redirect("agent-types")
    return _editor(request, text, problems)


@page
def agent_type(request: PageRequest, slug: str) -> HttpResponse:
    found = agent_type_for(request.actor, slug)
    text, problems = as_written(found), []
    if request.method == "POST":
        text = _text(request)
        try:
            change_agent_type(found, by=request.actor, declaration=text)
        except RefusedError as error:
            problems = _problems(error)
        else:
            return redirect("agent-types")
    return _editor(request, text, problems, found)


@require_POST
@page
def switch_agent_type(request: PageRequest, slug: str) -> HttpResponse:
    """Off: no new Pods are made of it. And on again."""
    found = agent_type_for(request.actor, slug)
    change_agent_type(found, by=request.actor, enabled=not found.enabled)
    said = "can be launched again" if found.enabled else "is not offered any more"
    return done(request, to="agent-types", said=f"{found.name} {said}.", changed="agent_type")


def _text(request: PageRequest) -> str:
    form = DeclarationForm(request.POST)
    return form.cleaned_data["declaration"].replace("\r\n", "\n") if form.is_valid() else ""


def _problems(error: RefusedError) -> list[Problem]:
    found = error.detail.get("problems") or [{"key": "", "text": error.message}]
    return [Problem(each["key"], each["text"]) for each in found]


def _editor(
    request: PageRequest, text: str, problems: list[Problem], found: AgentType | None = None
) -> HttpResponse:
    may_change = request.actor.manages_all and (found is None or found.organization_id is not None)
    context = {
        "text": text,
        "problems": problems,
        "agent_type": found,
        "may_change": may_change,
        "lines": text.count("\n") + 2,
    }
    return render(request, "launch/agent_type.html", context, status=422 if problems else 200)
