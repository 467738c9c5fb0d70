"""Machines: their health, letting one in, resting and sending one away."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db.models import Max, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import Organization
from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, check_manages_runners, runner_for, runners_for
from pods.errors import NotVisibleError
from pods.models import EnrollmentToken, Runner
from pods.pages import update_look
from pods.pages.runner_look import RunnerLook
from pods.pages.session_look import SessionLook
from pods.services import runners as services
from pods.services.placing import taken_places
from pods.services.session_health import health_of, with_open_commands

VERBS: dict[str, tuple[Callable[..., Runner], str]] = {
    "drain": (services.drain_runner, "takes no new Pods. Those it has go on."),
    "resume": (services.resume_runner, "takes new Pods again."),
    "disable": (services.disable_runner, "is disabled: its connection closes within 5 seconds."),
    "enable": (services.enable_runner, "may connect again."),
    "lend": (
        partial(services.lend_login, lent=True),
        "lends Pods the logins of its own user.",
    ),
    "keep": (
        partial(services.lend_login, lent=False),
        "keeps the logins of its own user to itself.",
    ),
    "revoke": (services.revoke_runner, "must enroll again. Its Pods go on, unseen."),
    "retire": (services.retire_runner, "is retired."),
}


@page
def runners(request: PageRequest) -> HttpResponse:
    return render(request, "runners/runners.html", _shown(request))


@require_POST
@never_cache
@page
def enroll(request: PageRequest) -> HttpResponse:
    """A new token in a line to paste. The page then watches `joining` for it to be used."""
    organization = Organization.objects.get(pk=request.actor.organization_id)
    token, secret = services.create_enrollment_token(organization=organization, by=request.actor)
    line = services.enrollment_line(secret)
    context = {"token": token, "line": line, **_shown(request)}
    return render(request, "runners/runners.html", context)


@page
def joining(request: PageRequest, token_id: int) -> HttpResponse:
    check_manages_runners(request.actor)
    mine = EnrollmentToken.objects.filter(organization_id=request.actor.organization_id)
    token = mine.filter(pk=token_id).first()
    if token is None:
        raise NotVisibleError("no_such_token", "There is no such enrollment token.")
    look = next((look for look in _looks(request) if look.runner.pk == token.runner_id), None)
    return render(request, "runners/joining.html", {"token": token, "look": look})


@require_POST
@page
def act(request: PageRequest, runner_id: int, verb: str) -> HttpResponse:
    service, said = VERBS[verb]
    runner = service(runner_for(request.actor, runner_id, Need.MANAGE), by=request.actor)
    return done(request, to="runners", said=f"{runner.name} {said}", changed="runner")


def _shown(request: PageRequest) -> dict[str, Any]:
    looks = _looks(request)
    return {"looks": looks, "rollout": update_look.rollout(request.actor, looks)}


def _looks(request: PageRequest) -> list[RunnerLook]:
    mine = runners_for(request.actor)
    valid = Q(certificates__revoked_at=None)
    ends = dict(
        mine.annotate(ends=Max("certificates__not_after", filter=valid)).values_list("pk", "ends")
    )
    rows: Iterable[Any] = with_open_commands(taken_places(mine)).order_by("name")
    return [
        RunnerLook(
            row,
            taken=row.taken,
            expires=ends[row.pk],
            update=update_look.of(row),
            session=SessionLook(health) if (health := health_of(row)) else None,
        )
        for row in rows
    ]
