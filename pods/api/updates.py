"""Releases of the Runner, and updates: of one Runner, or of all in turn."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from accounts.models import Organization
from pods.access import Need, runner_for, runners_for
from pods.api.asked import Asked
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.models import Release, Rollout, UpdateAttempt
from pods.services import rollouts, updates
from pods.services.updates import WAIT_MAX_S, Wish
from pods.updates import After, Mode


class NewUpdate(Asked):
    version = serializers.CharField(
        required=False, max_length=40, help_text="The newest that fits if not given."
    )
    mode = serializers.ChoiceField(
        choices=[*Mode],
        default=Mode.HANDOVER,
        help_text="handover: Pods live through it. drain: its Pods end first, and it takes no new ones.",
    )
    wait_s = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=WAIT_MAX_S,
        help_text="Limit of the wait, in seconds.",
    )
    after = serializers.ChoiceField(
        choices=[*After], default=After.HANDOVER, help_text="What is done when the wait is over."
    )


class StepShape(serializers.Serializer[Any]):
    step = serializers.CharField()
    at_ms = serializers.IntegerField(help_text="When it began, by the Runner's clock.")
    text = serializers.CharField()


class UpdateShape(ModelSerializer[UpdateAttempt]):
    runner = serializers.CharField(source="runner.name")
    runner_id = serializers.IntegerField()
    rollout = serializers.IntegerField(source="rollout_id", allow_null=True)
    steps = serializers.SerializerMethodField()

    class Meta:
        model = UpdateAttempt
        fields = (
            "id",
            "runner",
            "runner_id",
            "rollout",
            "version",
            "was",
            "mode",
            "wait_s",
            "after",
            "state",
            "steps",
            "reason",
            "error_code",
            "asked_by",
            "created_at",
            "ended_at",
        )
        read_only_fields = fields

    @extend_schema_field(StepShape(many=True))
    def get_steps(self, attempt: UpdateAttempt) -> list[dict[str, Any]]:
        return list(attempt.steps)


class RolloutShape(ModelSerializer[Rollout]):
    updates = UpdateShape(source="attempts", many=True)

    class Meta:
        model = Rollout
        fields = (
            "id",
            "version",
            "mode",
            "wait_s",
            "after",
            "state",
            "reason",
            "asked_by",
            "created_at",
            "ended_at",
            "updates",
        )
        read_only_fields = fields


class ReleaseShape(ModelSerializer[Release]):
    class Meta:
        model = Release
        fields = (
            "version",
            "platform",
            "python",
            "sha256",
            "size",
            "protocol_lowest",
            "protocol_highest",
            "published_at",
        )
        read_only_fields = fields


def _wish(taken: dict[str, Any]) -> Wish:
    return Wish(
        version=taken.get("version", ""),
        mode=Mode(taken["mode"]),
        wait_s=taken.get("wait_s"),
        after=After(taken["after"]),
    )


class UpdateRunner(Door):
    @extend_schema(
        operation_id="runners_update",
        parameters=REPEATABLE,
        request=NewUpdate,
        responses={202: UpdateShape},
    )
    @once
    def post(self, _request: Request, runner_id: int) -> Response:
        runner = runner_for(self.actor, runner_id, Need.MANAGE)
        attempt = updates.ask_update(runner, by=self.actor, wish=_wish(self.taken(NewUpdate)))
        return Response(UpdateShape(attempt).data, status=202)


class CancelUpdate(Door):
    @extend_schema(operation_id="runners_update_cancel", request=None, responses=UpdateShape)
    def post(self, _request: Request, runner_id: int) -> Response:
        runner = runner_for(self.actor, runner_id, Need.MANAGE)
        return Response(UpdateShape(updates.cancel_update(runner, by=self.actor)).data)


class UpdatesOfRunner(Door):
    @extend_schema(operation_id="runners_updates", parameters=PAGED, responses=page_of(UpdateShape))
    def get(self, _request: Request, runner_id: int) -> Response:
        runner = runner_for(self.actor, runner_id)
        return self.page(runner.updates.select_related("runner"), UpdateShape)


class Releases(Door):
    @extend_schema(operation_id="releases_list", parameters=PAGED, responses=page_of(ReleaseShape))
    def get(self, _request: Request) -> Response:
        runners_for(self.actor)  # who may see Runners may see what they can run
        return self.page(Release.objects.filter(withdrawn_at=None), ReleaseShape)


class Rollouts(Door):
    @extend_schema(operation_id="rollouts_list", parameters=PAGED, responses=page_of(RolloutShape))
    def get(self, _request: Request) -> Response:
        return self.page(rollouts.rollouts_for(self.actor), RolloutShape)

    @extend_schema(
        operation_id="rollouts_start",
        parameters=REPEATABLE,
        request=NewUpdate,
        responses={201: RolloutShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        rollout = rollouts.start_rollout(
            organization=Organization.objects.get(pk=self.actor.organization_id),
            by=self.actor,
            wish=_wish(self.taken(NewUpdate)),
        )
        return Response(RolloutShape(rollout).data, status=201)


class OneRollout(Door):
    @extend_schema(operation_id="rollouts_read", responses=RolloutShape)
    def get(self, _request: Request, rollout_id: int) -> Response:
        return Response(RolloutShape(rollouts.rollout_for(self.actor, rollout_id)).data)


class StopRollout(Door):
    @extend_schema(operation_id="rollouts_stop", request=None, responses=RolloutShape)
    def post(self, _request: Request, rollout_id: int) -> Response:
        rollout = rollouts.rollout_for(self.actor, rollout_id)
        return Response(RolloutShape(rollouts.stop_rollout(rollout, by=self.actor)).data)
