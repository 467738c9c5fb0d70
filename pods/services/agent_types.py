"""What can be launched, as data of an Organization beside what the installation has for all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.audit import record
from pods import declarations
from pods.access import check_manages_agent_types
from pods.declarations import Declaration, DeclarationError
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.models import AgentType
from pods.news import announce
from pods.services import inputs


@dataclass(frozen=True, slots=True)
class AgentTypeRequest:
    """A `declaration` as a table or as TOML, whatever came; or, without one, a command line and the program it needs on the PATH."""

    slug: str = ""
    name: str = ""
    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    detect: str = ""
    declaration: Any = None


def create_agent_type(*, by: Actor, request: AgentTypeRequest) -> AgentType:
    """For this Organization alone. One with a built-in's slug takes its place here.

    Raises RefusedError, with `problems` for a declaration; ConflictError, NotAllowedError.
    """
    check_manages_agent_types(by)
    declared = _requested(request)
    slug = declared["slug"]
    try:
        with transaction.atomic():
            agent_type = AgentType.objects.create(
                organization_id=by.organization_id,
                slug=slug,
                **columns(declared, request.declaration),
            )
            record(by, "agent_type.create", slug, argv=declared["launch"]["argv"])
    except IntegrityError as error:
        raise ConflictError(
            "agent_type_exists", f"There already is an agent type “{slug}”."
        ) from error
    announce(by.organization_id, "agent_type", slug)
    return agent_type


def change_agent_type(
    agent_type: AgentType,
    *,
    by: Actor,
    declaration: Any = None,
    enabled: bool | None = None,
) -> AgentType:
    """Pods that were made of it keep what they were made of. Raises as `create_agent_type` does."""
    check_manages_agent_types(by)
    if agent_type.organization_id is None:
        raise NotAllowedError(
            "built_in",
            f"{agent_type.name} is the same for every organization: add an agent type of your own with "
            f"the slug “{agent_type.slug}”, and it takes its place here.",
        )
    changes: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
    if declaration is not None:
        changes |= columns(_same(agent_type, checked(declaration)), declaration)
    if not changes:
        raise RefusedError("nothing_to_change", "Give a declaration, or enabled.")
    with transaction.atomic():
        AgentType.objects.filter(pk=agent_type.pk).update(**changes)
        record(by, "agent_type.change", agent_type.slug, changed=sorted(changes))
    agent_type.refresh_from_db()
    announce(by.organization_id, "agent_type", agent_type.slug)
    return agent_type


def checked(given: Any) -> Declaration:
    """Raises RefusedError with `problems`, each with its key."""
    try:
        if isinstance(given, str):
            return declarations.from_toml(given)
        return declarations.from_json(given)
    except DeclarationError as error:
        raise RefusedError(
            "bad_declaration",
            str(error),
            field="declaration",
            problems=[{"key": each.key, "text": each.text} for each in error.problems],
        ) from error


def columns(declared: Declaration, given: Any) -> dict[str, Any]:
    return {
        "name": declared["name"],
        "description": declared["description"],
        "declaration": declared,
        "source": given if isinstance(given, str) else "",
    }


def as_written(agent_type: AgentType) -> str:
    """Its declaration for people to edit."""
    return agent_type.source or declarations.as_toml(agent_type.declared)


def is_tested(agent_type: AgentType, version: str) -> bool:
    """Whether this version is one the declaration was tried with; a warning where it is not."""
    return declarations.is_within(version, agent_type.declared["install"]["tested"])


def _requested(request: AgentTypeRequest) -> Declaration:
    if isinstance(request.declaration, str):
        return checked(request.declaration)
    if request.declaration is None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", request.slug):
            raise RefusedError("bad_slug", "A slug has small letters, digits and -.", field="slug")
        inputs.check_env(request.env)
        if request.argv:
            inputs.check_argv(request.argv)
        given: Any = {
            "install": {"program": request.detect},
            "launch": {"argv": list(request.argv), "env": dict(request.env)},
        }
    else:
        given = request.declaration
    if not isinstance(given, Mapping):
        return checked(given)  # says what it should be
    about = {"slug": request.slug, "name": request.name, "description": request.description}
    return checked({**{key: text for key, text in about.items() if text}, **given})


def _same(agent_type: AgentType, declared: Declaration) -> Declaration:
    if declared["slug"] != agent_type.slug:
        raise RefusedError(
            "bad_declaration",
            f"slug: It stays “{agent_type.slug}”. Add another agent type for another slug.",
            field="declaration",
            problems=[{"key": "slug", "text": f"It stays “{agent_type.slug}”."}],
        )
    return declared
