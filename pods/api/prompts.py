"""The queue of prompts of a Pod: what waits, what became of each, and changes while it waits."""

from typing import Any

from django.db.models import QuerySet
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer

from pods.access import Need, pod_for
from pods.api.asked import Asked, verbatim
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.errors import RefusedError
from pods.models import Prompt, Receipt
from pods.prompts import PromptState, When
from pods.services import prompts
from pods.services.prompt_release import waits_for

STATES = [(state, state) for state in PromptState]  # named in the description, as settings.py says


class ReceiptShape(ModelSerializer[Receipt]):
    class Meta:
        model = Receipt
        fields = ("step", "at", "evidence")
        read_only_fields = fields


class PromptShape(ModelSerializer[Prompt]):
    pod = serializers.CharField(source="pod.key")
    author = serializers.SerializerMethodField(help_text="Key of a Pod, name of a person or token.")
    position = serializers.SerializerMethodField(help_text="In the queue, from 0; null once sent.")
    waits_for = serializers.SerializerMethodField(help_text="Why it is not typed yet.")
    receipts = ReceiptShape(many=True)
    retry_of = serializers.IntegerField(source="retry_of_id", allow_null=True)
    is_put_aside = serializers.SerializerMethodField(
        help_text="It failed, and was tried again or put aside: the queue goes on."
    )

    class Meta:
        model = Prompt
        fields = (
            "id",
            "pod",
            "number",
            "text",
            "when",
            "state",
            "position",
            "waits_for",
            "author_kind",
            "author",
            "receipts",
            "retry_of",
            "is_put_aside",
            "created_at",
            "over_at",
        )
        read_only_fields = fields

    def get_author(self, prompt: Prompt) -> str:
        return prompt.author_pod.key if prompt.author_pod else prompt.author_name

    def get_position(self, prompt: Prompt) -> int | None:
        order = self._order(prompt)
        return order.index(prompt.pk) if prompt.pk in order else None

    def get_waits_for(self, prompt: Prompt) -> str:
        order = self._order(prompt)
        if prompt.pk not in order:
            return ""
        if prompt.pk != order[0]:
            return "Others go first."
        return waits_for(prompt.pod, prompt)

    def get_is_put_aside(self, prompt: Prompt) -> bool:
        return prompt.put_aside_at is not None

    def _order(self, prompt: Prompt) -> list[int]:
        """Of one Pod's queue, asked once for a page of its prompts."""
        if prompt.pod_id not in self._orders:
            self._orders[prompt.pod_id] = [each.pk for each in prompt.pod.prompts.queued()]
        return self._orders[prompt.pod_id]

    @cached_property
    def _orders(self) -> dict[int, list[int]]:
        return {}


class NewPrompt(Asked):
    text = verbatim(required=True, help_text="Pasted into the agent, then Enter by itself.")
    when = serializers.ChoiceField(
        choices=[*When], default=When.IDLE, help_text="Now, or when the agent is idle."
    )


class ChangedPrompt(Asked):
    text = verbatim(allow_blank=False)
    when = serializers.ChoiceField(choices=[*When], required=False)


class Move(Asked):
    before = serializers.IntegerField(required=False, min_value=0, max_value=10**18 - 1)
    position = serializers.IntegerField(required=False, min_value=0, max_value=10**6)


class PodPrompts(Door):
    @extend_schema(
        operation_id="pods_prompts_list",
        parameters=[*PAGED, OpenApiParameter("state", str, enum=[*PromptState])],
        responses=page_of(PromptShape),
    )
    def get(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        found = pod.prompts.select_related("pod__runner", "author_pod").prefetch_related("receipts")
        return self.page(self._chosen(found), PromptShape)

    @extend_schema(
        operation_id="pods_prompts_create",
        parameters=REPEATABLE,
        request=NewPrompt,
        responses={201: PromptShape},
    )
    @once
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.TYPE)
        wanted: dict[str, Any] = self.taken(NewPrompt)
        prompt = prompts.queue_prompt(pod, by=self.actor, **wanted)
        return Response(PromptShape(prompt).data, status=201)

    def _chosen(self, found: QuerySet[Prompt]) -> QuerySet[Prompt]:
        state = self.request.query_params.get("state", "")
        if not state:
            return found
        if state not in set(PromptState):
            raise RefusedError("bad_state", f"There is no state “{state[:40]}”.", field="state")
        return found.filter(state=state)


class OnePrompt(Door):
    @extend_schema(operation_id="prompts_read", responses=PromptShape)
    def get(self, _request: Request, prompt_id: int) -> Response:
        return Response(PromptShape(prompts.prompt_for(self.actor, prompt_id, Need.READ)).data)

    @extend_schema(operation_id="prompts_edit", request=ChangedPrompt, responses=PromptShape)
    def patch(self, _request: Request, prompt_id: int) -> Response:
        prompt = prompts.prompt_for(self.actor, prompt_id, Need.TYPE)
        changed = prompts.edit_prompt(prompt, **self.taken(ChangedPrompt))
        return Response(PromptShape(changed).data)

    @extend_schema(
        operation_id="prompts_remove",
        description="Takes a waiting one back; puts a failed one aside, so that the queue goes on.",
        responses=PromptShape,
    )
    def delete(self, _request: Request, prompt_id: int) -> Response:
        prompt = prompts.prompt_for(self.actor, prompt_id, Need.TYPE)
        return Response(PromptShape(prompts.remove_prompt(prompt, by=self.actor)).data)


class MovePrompt(Door):
    @extend_schema(
        operation_id="prompts_move", parameters=REPEATABLE, request=Move, responses=PromptShape
    )
    @once
    def post(self, _request: Request, prompt_id: int) -> Response:
        prompt = prompts.prompt_for(self.actor, prompt_id, Need.TYPE)
        return Response(PromptShape(prompts.move_prompt(prompt, **self.taken(Move))).data)


class RetryPrompt(Door):
    @extend_schema(
        operation_id="prompts_retry",
        description="A new one with the text of one that failed, first in the queue.",
        parameters=REPEATABLE,
        request=None,
        responses={201: PromptShape},
    )
    @once
    def post(self, _request: Request, prompt_id: int) -> Response:
        prompt = prompts.prompt_for(self.actor, prompt_id, Need.TYPE)
        again = prompts.retry_prompt(prompt, by=self.actor)
        return Response(PromptShape(again).data, status=201)
