"""Pods: made, listed, ended, and given a command line to run."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.forms import IntegerField
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from pods.access import Need, pod_for, pods_for
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, of, page_of, whole
from pods.api.door import Door
from pods.api.idempotency import once, once_on_a_runner
from pods.api.shapes import PodEventShape, PodShape
from pods.commands import OPEN, CommandState
from pods.lifecycle import PodState
from pods.models import Pod
from pods.services.archive import archive_pod, unarchive_pod
from pods.services.execute import execute, outcome, wait_until_done
from pods.services.pods import PodRequest, create_pod, terminate_pod
from pods.services.resume import fork_pod, resume_pod


class WholeFilter(django_filters.Filter):
    field_class = IntegerField


class PodFilter(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=[(s, s) for s in PodState])
    runner = WholeFilter(field_name="runner_id", min_value=0, max_value=10**18 - 1)
    agent_type = django_filters.CharFilter(field_name="agent_type__slug")
    repository = django_filters.CharFilter(field_name="workspace__repository__slug")
    owner = django_filters.CharFilter(field_name="owner__username")
    parent = django_filters.CharFilter(field_name="parent__key")
    archived = django_filters.ChoiceFilter(
        method="only_archived", choices=[("true", "true"), ("false", "false")]
    )

    def only_archived(self, pods: QuerySet[Pod], _name: str, value: str) -> QuerySet[Pod]:
        return pods.filter(archived_at__isnull=value == "false")

    class Meta:
        model = Pod
        fields: tuple[str, ...] = ()


FILTERS = [
    OpenApiParameter("state", str, many=True, enum=[*PodState]),
    whole("runner", say="Its id."),
    OpenApiParameter(
        "archived", bool, description="Only those, or only the others. Both if left out."
    ),
    *(OpenApiParameter(name, str) for name in ("agent_type", "repository", "owner", "parent")),
]
EXECUTED = of(
    "Executed",
    exit_code=serializers.IntegerField(),
    stdout=serializers.CharField(),
    stderr=serializers.CharField(),
    truncated=serializers.BooleanField(),
    duration_ms=serializers.FloatField(),
)
NOT_OVER = OPEN | {CommandState.EXPIRED}  # within the caller's time
UNDER_WAY = of("UnderWay", command=serializers.UUIDField(), state=serializers.CharField())


class Pods(Door):
    @extend_schema(
        operation_id="pods_list", parameters=PAGED + FILTERS, responses=page_of(PodShape)
    )
    def get(self, _request: Request) -> Response:
        return self.page(self._chosen(pods_for(self.actor)), PodShape)

    @extend_schema(
        operation_id="pods_create",
        parameters=REPEATABLE,
        request=asked.NewPod,
        responses={201: PodShape},
    )
    @once
    def post(self, request: Request) -> Response:
        wanted = self.taken(asked.NewPod)
        pod = create_pod(by=self.actor, request=PodRequest(**wanted))
        return Response(PodShape(pod, context={"request": request}).data, status=201)

    def _chosen(self, pods: QuerySet[Pod]) -> QuerySet[Pod]:
        chosen = PodFilter(self.request.query_params, queryset=pods)
        if not chosen.is_valid():
            raise ValidationError(dict(chosen.errors))
        return chosen.qs


class OnePod(Door):
    @extend_schema(operation_id="pods_read", responses=PodShape)
    def get(self, request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        return Response(PodShape(pod, context={"request": request}).data)

    @extend_schema(
        operation_id="pods_archive_ended",
        description="Archives a Pod that has ended. One that lives is terminated first: 409.",
        responses=PodShape,
    )
    def delete(self, request: Request, key: str) -> Response:
        pod = archive_pod(pod_for(self.actor, key, Need.MANAGE), by=self.actor)
        return Response(PodShape(pod, context={"request": request}).data)


class ArchivePod(Door):
    @extend_schema(
        operation_id="pods_archive", parameters=REPEATABLE, request=None, responses=PodShape
    )
    @once
    def post(self, request: Request, key: str) -> Response:
        pod = archive_pod(pod_for(self.actor, key, Need.MANAGE), by=self.actor)
        return Response(PodShape(pod, context={"request": request}).data)


class UnarchivePod(Door):
    @extend_schema(
        operation_id="pods_unarchive", parameters=REPEATABLE, request=None, responses=PodShape
    )
    @once
    def post(self, request: Request, key: str) -> Response:
        pod = unarchive_pod(pod_for(self.actor, key, Need.MANAGE), by=self.actor)
        return Response(PodShape(pod, context={"request": request}).data)


class ResumePod(Door):
    @extend_schema(
        operation_id="pods_resume",
        description="A new Pod that goes on in the Workspace and conversation of one that has ended.",
        parameters=REPEATABLE,
        request=asked.Resume,
        responses={201: PodShape},
    )
    @once
    def post(self, request: Request, key: str) -> Response:
        old = pod_for(self.actor, key, Need.MANAGE)
        pod = resume_pod(old, by=self.actor, **self.taken(asked.Resume))
        return Response(PodShape(pod, context={"request": request}).data, status=201)


class ForkPod(Door):
    @extend_schema(
        operation_id="pods_fork",
        description="A new Pod in a Workspace that begins where the other stands, uncommitted work included.",
        parameters=REPEATABLE,
        request=asked.Fork,
        responses={201: PodShape},
    )
    @once
    def post(self, request: Request, key: str) -> Response:
        old = pod_for(self.actor, key, Need.MANAGE)
        pod = fork_pod(old, by=self.actor, **self.taken(asked.Fork))
        return Response(PodShape(pod, context={"request": request}).data, status=201)


class PodEvents(Door):
    @extend_schema(operation_id="pods_events", parameters=PAGED, responses=page_of(PodEventShape))
    def get(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        return self.page(pod.events.all(), PodEventShape, oldest_first=True)


class TerminatePod(Door):
    @extend_schema(
        operation_id="pods_terminate",
        parameters=REPEATABLE,
        request=asked.Terminate,
        responses=PodShape,
    )
    @once
    def post(self, request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        terminate_pod(pod, by=self.actor, **self.taken(asked.Terminate))
        return Response(PodShape(pod, context={"request": request}).data)


class ExecuteInPod(Door):
    @extend_schema(
        operation_id="pods_execute",
        parameters=REPEATABLE,
        request=asked.Execute,
        responses={200: EXECUTED, 202: OpenApiResponse(UNDER_WAY, "Not over within timeout_s.")},
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.MANAGE)
        wanted: dict[str, Any] = self.taken(asked.Execute)
        command = execute(pod, by=self.actor, **wanted)
        wait_until_done(command, at_most_s=wanted["timeout_s"])
        if command.state in NOT_OVER:
            return Response({"command": str(command.pk), "state": command.state}, status=202)
        return Response(outcome(command))
