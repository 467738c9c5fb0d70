"""Rows for tests, each with what the test does not care about filled in.

The cast: alice owns the Organization, bob is a member of it, charlie owns another one.
"""

import hashlib
import itertools
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from accounts.actor import ALL_SCOPES, Actor, ActorKind
from accounts.models import ApiToken, Membership, Organization, Role, User
from pods.lifecycle import ENDED, LIVE, PodState
from pods.models import (
    AgentType,
    CredentialSet,
    Gateway,
    Pod,
    Repository,
    Runner,
    Secret,
    Workspace,
)
from pods.services import vault
from pods.services.built_in import load_built_in

_numbers = itertools.count(1)


def make_organization(name: str = "", **fields: Any) -> Organization:
    name = name or f"org{next(_numbers)}"
    return Organization.objects.create(name=name, **{"slug": name, **fields})


def make_user(
    username: str = "",
    *,
    organization: Organization | None = None,
    role: Role = Role.MEMBER,
    **fields: Any,
) -> User:
    user = User.objects.create_user(username or f"user{next(_numbers)}", **fields)
    if organization:
        Membership.objects.create(organization=organization, user=user, role=role)
    return user


@dataclass(frozen=True)
class Cast:
    organization: Organization
    alice: User
    bob: User
    stranger: Organization
    charlie: User


def make_cast() -> Cast:
    ours, theirs = make_organization("acme"), make_organization("elsewhere")
    return Cast(
        organization=ours,
        alice=make_user("alice", organization=ours, role=Role.OWNER),
        bob=make_user("bob", organization=ours, role=Role.MEMBER),
        stranger=theirs,
        charlie=make_user("charlie", organization=theirs, role=Role.OWNER),
    )


def actor_of(user: User, organization: Organization | None = None) -> Actor:
    """The Actor a login of this person gives."""
    memberships = user.memberships.all()
    if organization:
        memberships = memberships.filter(organization=organization)
    membership = memberships.get()
    return Actor(
        kind=ActorKind.PERSON,
        id=user.pk,
        name=user.username,
        organization_id=membership.organization_id,
        role=membership.role,
        user_id=user.pk,
    )


def make_token(
    user: User,
    organization: Organization | None = None,
    *,
    scopes: Any = ALL_SCOPES,
    expires_in: timedelta = timedelta(days=1),
    **fields: Any,
) -> str:
    """The token's secret."""
    secret = f"mesh_{secrets.token_urlsafe(32)}"
    ApiToken.objects.create(
        organization=organization or user.memberships.get().organization,
        user=user,
        hint=secret[:12],
        digest=hashlib.sha256(secret.encode()).hexdigest(),
        scopes=sorted(scopes),
        expires_at=now() + expires_in,
        **{"name": "test", **fields},
    )
    return secret


def make_gateway(name: str = "", **fields: Any) -> Gateway:
    name = name or f"gateway{next(_numbers)}"
    return Gateway.objects.create(id=name, **{"address": "unix:/nowhere", **fields})


def make_runner(
    organization: Organization | None = None, *, online: bool = True, **fields: Any
) -> Runner:
    number = next(_numbers)
    session = {"gateway": f"gateway{number}", "epoch": 1, "seen_at": now(), "attached_at": now()}
    defaults: dict[str, Any] = {"name": f"runner{number}", "capacity": 10, "isolation": "none"}
    return Runner.objects.create(
        organization=organization or make_organization(),
        **{**defaults, **(session if online else {}), **fields},
    )


def make_agent_type(slug: str = "", **fields: Any) -> AgentType:
    slug = slug or f"agent{next(_numbers)}"
    return AgentType.objects.create(slug=slug, **{"name": slug, "argv": ["sh"], **fields})


def built_in(slug: str = "shell") -> AgentType:
    """An AgentType that comes with Mesh, also after a test that emptied the tables."""
    if not AgentType.objects.filter(organization=None, slug=slug).exists():
        load_built_in()
    return AgentType.objects.get(organization=None, slug=slug)


def make_credentials(
    organization: Organization, *, user: User | None = None, api_key: str = "", **fields: Any
) -> CredentialSet:
    """A credential set, with its key where one is given."""
    slug = f"credentials{next(_numbers)}"
    defaults = {"slug": slug, "name": slug, "provider": "anthropic"}
    made = CredentialSet.objects.create(
        organization=organization, user=user, **{**defaults, **fields}
    )
    if api_key:
        vault.keep(made, Secret.Part.API_KEY, api_key)
    return made


def make_repository(organization: Organization | None = None, **fields: Any) -> Repository:
    slug = f"repository{next(_numbers)}"
    defaults: dict[str, Any] = {
        "slug": slug,
        "name": slug,
        "url": f"https://example.com/{slug}.git",
    }
    return Repository.objects.create(
        organization=organization or make_organization(), **{**defaults, **fields}
    )


def make_workspace(runner: Runner, **fields: Any) -> Workspace:
    return Workspace.objects.create(
        **{"organization": runner.organization, "runner": runner, **fields}
    )


def make_pod(
    organization: Organization | None = None,
    *,
    state: PodState = PodState.RUNNING,
    owner: User | None = None,
    runner: Runner | None = None,
    **fields: Any,
) -> Pod:
    """A Pod as it is found in `state`: with a Runner and a Workspace unless it still waits for one."""
    organization = organization or (runner.organization if runner else make_organization())
    if state != PodState.PENDING:
        runner = runner or make_runner(organization)
        fields.setdefault("workspace", make_workspace(runner))
        fields.setdefault("started_at", now())
        fields.setdefault("isolation", "none")
    if state in ENDED:
        fields.setdefault("ended_at", now())
    if state in LIVE:
        fields.setdefault("spec", {"argv": ["sh"], "env": {}})
    if "agent_type" not in fields:
        fields["agent_type"] = built_in()
    return Pod.objects.create(
        organization=organization, owner=owner, runner=runner, state=state, **fields
    )
