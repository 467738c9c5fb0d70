"""Answering an agent's question, and interrupting its turn."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from pods.access import Need, pod_for
from pods.api.asked import Asked, verbatim
from pods.api.documented import FREE, REPEATABLE
from pods.api.door import Door
from pods.api.idempotency import once_on_a_runner
from pods.services.answering import answer_question, done, interrupt_agent


class Answered(Asked):
    question = serializers.CharField(max_length=64, help_text="Its id, as the Pod shows it.")
    choice = serializers.CharField(
        max_length=200,
        help_text="One of those the question offers: allow, allow_always, deny, next, text, the number of an option or its label.",
    )
    text = verbatim(help_text="With choice text.")


class AnswerPod(Door):
    @extend_schema(
        operation_id="pods_answer", parameters=REPEATABLE, request=Answered, responses=FREE
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.TYPE)
        wanted: dict[str, Any] = self.taken(Answered)
        return Response(done(answer_question(pod, by=self.actor, **wanted)))


class InterruptPod(Door):
    @extend_schema(
        operation_id="pods_interrupt",
        description="The agent's turn, as Esc does. The agent goes on; terminate ends it.",
        parameters=REPEATABLE,
        request=None,
        responses=FREE,
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.TYPE)
        return Response(done(interrupt_agent(pod, by=self.actor)))
