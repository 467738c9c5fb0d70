"""Bindings: one Pod's permission to watch or drive another's Terminal; and who typed what into one."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from pods.access import Need, askable_pod, binding_for, bindings_for, pod_for, terminal_for
from pods.api.asked import Asked
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.bindings import BindingScope, BindingState
from pods.errors import RefusedError
from pods.models import Binding, InputRecord
from pods.models.binding import BindingQuerySet
from pods.services import bindings


class BindingShape(ModelSerializer[Binding]):
    holder = serializers.CharField(source="holder.key", help_text="The Pod that may.")
    target = serializers.CharField(source="target.key", help_text="Whose Terminal it is.")
    scopes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Binding
        fields = (
            "id",
            "holder",
            "target",
            "scopes",
            "state",
            "reason",
            "answer",
            "decided_by",
            "created_at",
            "decided_at",
            "expires_at",
        )
        read_only_fields = fields


class InputRecordShape(ModelSerializer[InputRecord]):
    class Meta:
        model = InputRecord
        fields = (
            "id",
            "author_kind",
            "author_id",
            "author_name",
            "writer",
            "position",
            "offset",
            "length",
            "text",
            "is_hidden",
            "at",
        )
        read_only_fields = fields


class NewBinding(Asked):
    holder = serializers.CharField(max_length=32, help_text="Key of the Pod that asks.")
    target = serializers.CharField(max_length=32, help_text="Key of the Pod it is about.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[*BindingScope]), min_length=1, max_length=2
    )
    reason = serializers.CharField(
        max_length=bindings.REASON_MAX, required=False, allow_blank=True, default=""
    )


class Answer(Asked):
    answer = serializers.CharField(
        max_length=bindings.REASON_MAX, required=False, allow_blank=True, default=""
    )


class Bindings(Door):
    @extend_schema(
        operation_id="bindings_list",
        parameters=[
            *PAGED,
            OpenApiParameter("pod", str, description="Those this Pod has a part in."),
            OpenApiParameter("state", str, enum=[*BindingState]),
        ],
        responses=page_of(BindingShape),
    )
    def get(self, _request: Request) -> Response:
        return self.page(self._chosen(bindings_for(self.actor)), BindingShape)

    @extend_schema(
        operation_id="bindings_create",
        parameters=REPEATABLE,
        request=NewBinding,
        responses={201: BindingShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        wanted: dict[str, Any] = self.taken(NewBinding)
        holder = pod_for(self.actor, wanted["holder"], Need.MANAGE)
        target = askable_pod(self.actor, wanted["target"])
        binding = bindings.request_binding(
            holder, target, by=self.actor, scopes=wanted["scopes"], reason=wanted["reason"]
        )
        return Response(BindingShape(binding).data, status=201)

    def _chosen(self, found: BindingQuerySet) -> QuerySet[Binding]:
        if key := self.request.query_params.get("pod", ""):
            found = found.touching(pod_for(self.actor, key, Need.READ).pk)
        if state := self.request.query_params.get("state", ""):
            if state not in set(BindingState):
                raise RefusedError("bad_state", f"There is no state “{state[:40]}”.", field="state")
            found = found.filter(state=state)
        return found


class OneBinding(Door):
    @extend_schema(operation_id="bindings_read", responses=BindingShape)
    def get(self, _request: Request, binding_id: int) -> Response:
        return Response(BindingShape(binding_for(self.actor, binding_id)).data)


class AcceptBinding(Door):
    @extend_schema(
        operation_id="bindings_accept", parameters=REPEATABLE, request=None, responses=BindingShape
    )
    @once
    def post(self, _request: Request, binding_id: int) -> Response:
        binding = binding_for(self.actor, binding_id)
        return Response(BindingShape(bindings.accept_binding(binding, by=self.actor)).data)


class RejectBinding(Door):
    @extend_schema(
        operation_id="bindings_reject",
        parameters=REPEATABLE,
        request=Answer,
        responses=BindingShape,
    )
    @once
    def post(self, _request: Request, binding_id: int) -> Response:
        binding = binding_for(self.actor, binding_id)
        rejected = bindings.reject_binding(binding, by=self.actor, **self.taken(Answer))
        return Response(BindingShape(rejected).data)


class ReleaseBinding(Door):
    @extend_schema(
        operation_id="bindings_release",
        parameters=REPEATABLE,
        request=Answer,
        responses=BindingShape,
    )
    @once
    def post(self, _request: Request, binding_id: int) -> Response:
        binding = binding_for(self.actor, binding_id)
        released = bindings.release_binding(binding, by=self.actor, **self.taken(Answer))
        return Response(BindingShape(released).data)


class InputRecords(Door):
    @extend_schema(
        operation_id="pods_input_records", parameters=PAGED, responses=page_of(InputRecordShape)
    )
    def get(self, _request: Request, key: str) -> Response:
        pod = terminal_for(self.actor, key)
        return self.page(pod.input_records.all(), InputRecordShape, oldest_first=True)
