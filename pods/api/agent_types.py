"""What can be launched: listed with what it declares, made, changed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from pods.access import agent_type_for, agent_types_for, runners_for
from pods.api import asked
from pods.api.documented import PAGED, REPEATABLE, page_of
from pods.api.door import Door
from pods.api.idempotency import once
from pods.api.launch_shapes import AgentTypeShape, OneAgentTypeShape
from pods.models import AgentType
from pods.services.agent_types import AgentTypeRequest, change_agent_type, create_agent_type


class AgentTypes(Door):
    @extend_schema(
        operation_id="agent_types_list", parameters=PAGED, responses=page_of(AgentTypeShape)
    )
    def get(self, _request: Request) -> Response:
        return self.page(agent_types_for(self.actor), AgentTypeShape)

    @extend_schema(
        operation_id="agent_types_create",
        parameters=REPEATABLE,
        request=asked.NewAgentType,
        responses={201: OneAgentTypeShape},
    )
    @once
    def post(self, _request: Request) -> Response:
        wanted = AgentTypeRequest(**self.taken(asked.NewAgentType))
        made = create_agent_type(by=self.actor, request=wanted)
        return Response(_shown(self.actor, made), status=201)


class OneAgentType(Door):
    @extend_schema(operation_id="agent_types_read", responses=OneAgentTypeShape)
    def get(self, _request: Request, agent_type: str) -> Response:
        return Response(_shown(self.actor, agent_type_for(self.actor, agent_type)))

    @extend_schema(
        operation_id="agent_types_change",
        request=asked.ChangedAgentType,
        responses=OneAgentTypeShape,
    )
    def patch(self, _request: Request, agent_type: str) -> Response:
        found = agent_type_for(self.actor, agent_type)
        changes = self.taken(asked.ChangedAgentType)
        return Response(_shown(self.actor, change_agent_type(found, by=self.actor, **changes)))


def _shown(actor: Actor, agent_type: AgentType) -> dict[str, Any]:
    runners = list(runners_for(actor).usable().order_by("name"))
    return dict(OneAgentTypeShape(agent_type, context={"runners": runners}).data)
