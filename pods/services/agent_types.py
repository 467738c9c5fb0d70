"""What can be launched, as data of an Organization beside the built-in ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction

from accounts.actor import Actor
from accounts.audit import record
from pods.access import check_may_create
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.models import AgentType
from pods.services import inputs


@dataclass(frozen=True, slots=True)
class AgentTypeRequest:
    """`detect` is the program that must be on a Runner's PATH; empty: it is there anyhow."""

    slug: str
    name: str
    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    detect: str = ""


def create_agent_type(*, by: Actor, request: AgentTypeRequest) -> AgentType:
    """For this Organization alone. One with a built-in's slug takes its place here."""
    check_may_create(by)
    if not by.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners make agent types.")
    _check(request)
    with transaction.atomic():
        agent_type, made = AgentType.objects.get_or_create(
            organization_id=by.organization_id,
            slug=request.slug,
            defaults={
                "name": request.name,
                "argv": list(request.argv),
                "env": dict(request.env),
                "description": request.description,
                "detect": request.detect,
            },
        )
        if not made:
            raise ConflictError(
                "agent_type_exists", f"There already is an agent type “{request.slug}”."
            )
        record(by, "agent_type.create", request.slug, argv=list(request.argv))
    return agent_type


def _check(request: AgentTypeRequest) -> None:
    try:
        validate_slug(request.slug)
    except ValidationError as error:
        raise RefusedError(
            "bad_slug", "A slug has letters, digits, - and _.", field="slug"
        ) from error
    inputs.check_name(request.name)
    inputs.check_env(request.env)
    if request.argv:
        inputs.check_argv(request.argv)
