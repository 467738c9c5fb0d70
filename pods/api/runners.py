"""Runners: seen, let in, rested, sent away; and the Commands they were given."""

from collections.abc import Callable

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Organization
from pods.access import Need, command_for, runner_for, runners_for
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, of, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.api.shapes import CommandShape, RunnerShape
from pods.models import Runner
from pods.services import runners
from pods.services.lost import declare_lost
from pods.services.placing import taken_places
from pods.services.session_health import with_open_commands

ENROLLMENT = of(
    "Enrollment",
    token=serializers.CharField(help_text="Shown once."),
    expires_at=serializers.DateTimeField(),
    command=serializers.CharField(help_text="One line to paste on the new machine."),
)


class Runners(Door):
    @extend_schema(operation_id="runners_list", parameters=PAGED, responses=page_of(RunnerShape))
    def get(self, _request: Request) -> Response:
        runners = with_open_commands(taken_places(runners_for(self.actor)))
        return self.page(runners, RunnerShape)


class OneRunner(Door):
    @extend_schema(operation_id="runners_read", responses=RunnerShape)
    def get(self, _request: Request, runner_id: int) -> Response:
        return _shown(runner_for(self.actor, runner_id))


class EnrollmentTokens(Door):
    @extend_schema(
        operation_id="runners_enrollment_token",
        parameters=REPEATABLE,
        request=None,
        responses={201: ENROLLMENT},
    )
    @once
    def post(self, _request: Request) -> Response:
        organization = Organization.objects.get(pk=self.actor.organization_id)
        token, secret = runners.create_enrollment_token(organization=organization, by=self.actor)
        answer = {
            "token": secret,
            "expires_at": token.expires_at,
            "command": runners.enrollment_line(secret),
        }
        return Response(answer, status=201)


def _changes(operation: str) -> Callable[..., type[Door]]:
    documented = extend_schema(operation_id=operation, request=None, responses=RunnerShape)
    return extend_schema_view(post=documented)


class _ChangeRunner(Door):
    change: Callable[..., Runner]

    def post(self, _request: Request, runner_id: int) -> Response:
        runner = runner_for(self.actor, runner_id, Need.MANAGE)
        type(self).change(runner, by=self.actor)
        return _shown(runner)


@_changes("runners_drain")
class DrainRunner(_ChangeRunner):
    change = staticmethod(runners.drain_runner)


@_changes("runners_resume")
class ResumeRunner(_ChangeRunner):
    change = staticmethod(runners.resume_runner)


@_changes("runners_lost")
class LoseRunner(_ChangeRunner):
    """It does not come back: its Pods are lost."""

    change = staticmethod(declare_lost)


@_changes("runners_revoke")
class RevokeRunner(_ChangeRunner):
    change = staticmethod(runners.revoke_runner)


class RunnersLogin(Door):
    @extend_schema(operation_id="runners_login", request=asked.RunnersLogin, responses=RunnerShape)
    def post(self, _request: Request, runner_id: int) -> Response:
        runner = runner_for(self.actor, runner_id, Need.MANAGE)
        runners.lend_login(runner, by=self.actor, **self.taken(asked.RunnersLogin))
        return _shown(runner)


class OneCommand(Door):
    @extend_schema(operation_id="commands_read", responses=CommandShape)
    def get(self, _request: Request, command_id: str) -> Response:
        return Response(CommandShape(command_for(self.actor, command_id)).data)


def _shown(runner: Runner) -> Response:
    return Response(RunnerShape(taken_places(Runner.objects.filter(pk=runner.pk)).get()).data)
