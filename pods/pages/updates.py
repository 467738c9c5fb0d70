"""Updates asked for on the Runners page, and called off: of one Runner, or of all in turn."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts.models import Organization
from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, runner_for
from pods.services import rollouts, updates
from pods.services.updates import Wish
from pods.updates import After, Mode


@require_POST
@page
def update(request: PageRequest, runner_id: int) -> HttpResponse:
    runner = runner_for(request.actor, runner_id, Need.MANAGE)
    attempt = updates.ask_update(runner, by=request.actor, wish=_wish(request))
    when = "" if runner.is_online else " when it is back"
    said = f"{runner.name} is updated to {attempt.version}{when}."
    return done(request, to="runners", said=said, changed="runner")


@require_POST
@page
def cancel(request: PageRequest, runner_id: int) -> HttpResponse:
    runner = runner_for(request.actor, runner_id, Need.MANAGE)
    updates.cancel_update(runner, by=request.actor)
    said = f"The update of {runner.name} is called off, if it still waits."
    return done(request, to="runners", said=said, changed="runner")


@require_POST
@page
def roll_out(request: PageRequest) -> HttpResponse:
    organization = Organization.objects.get(pk=request.actor.organization_id)
    rollout = rollouts.start_rollout(
        organization=organization, by=request.actor, wish=_wish(request)
    )
    said = f"{rollout.version} goes to all Runners, one after the other."
    return done(request, to="runners", said=said, changed="runner")


@require_POST
@page
def stop(request: PageRequest, rollout_id: int) -> HttpResponse:
    rollout = rollouts.stop_rollout(
        rollouts.rollout_for(request.actor, rollout_id), by=request.actor
    )
    said = f"The roll-out of {rollout.version} is stopped; an update under way goes on."
    return done(request, to="runners", said=said, changed="runner")


def _wish(request: PageRequest) -> Wish:
    is_drain = request.POST.get("mode") == Mode.DRAIN
    return Wish(
        mode=Mode.DRAIN if is_drain else Mode.HANDOVER,
        after=After.GIVE_UP if is_drain else After.HANDOVER,
    )
