"""The launch of a Pod: resolved once, when it is asked for, from its agent type and what was chosen. Never changed after.

`Pod.spec` holds it: `argv` and `env` as the person gave them or the type declares, `agent` (the resolved declaration),
`permissions`, `model`, `version`, `session` and `conversation` (the agent's own name of what it goes on with), `resume`
and `fork`, `secrets` (references by part) and `login`.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import F

from accounts.actor import Actor
from accounts.models import Organization
from pods.access import agent_types_for, credentials_for
from pods.declarations import (
    PERMISSIONS,
    ChoiceError,
    Choices,
    Declaration,
    is_within,
    resolve,
)
from pods.errors import NotAllowedError, RefusedError
from pods.models import AgentType, CredentialSet, Pod
from pods.services import inputs
from pods.services.vault import reference

RUNNERS_LOGIN = "runner"
"""Instead of a credential set's slug: the login that the Runner's own user has."""

NO_CREDENTIALS = "none"
_MODEL = re.compile(r"\w[\w./:@+-]{0,99}")

Login = Literal["", "may", "must"]
"""Whether the Runner's own login is used: not; where its Runner lends it; only on a Runner that does."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Empty: as is usual. `credentials`: a set's slug, "runner" or "none"."""

    agent_type: str
    permissions: str = ""
    model: str = ""
    version: str = ""
    credentials: str = ""
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    agent_type: AgentType
    credentials: CredentialSet | None
    spec: dict[str, Any]


def plan(by: Actor, wish: Wish) -> Launch:
    """What a new Pod is made of. Raises RefusedError, with the field that is wrong; NotAllowedError."""
    agent_type = _agent_type(by, wish)
    declared = agent_type.declared
    credentials, login = _credentials(by, declared, wish.credentials)
    model = _model(declared, wish.model, credentials)
    permissions = _permissions(by, declared, wish.permissions)
    choices = Choices(
        permissions=permissions,
        model=model,
        version=wish.version,
        argv=wish.argv,
        provider=credentials.provider if credentials else "",
    )
    try:
        agent = resolve(declared, choices)
    except ChoiceError as error:
        raise RefusedError(f"bad_{error.field}", str(error), field=error.field) from error
    spec = {
        "argv": agent["launch"]["argv"],
        "env": dict(wish.env or {}),
        "agent": agent,
        "permissions": permissions,
        "model": model,
        "version": wish.version,
        "session": str(uuid.uuid4()),
        "conversation": "",
        "resume": False,
        "fork": False,
        "secrets": _references(credentials),
        "login": login,
    }
    return Launch(agent_type, credentials, spec)


def respec(pod: Pod, *, by: Actor, fork: bool = False) -> dict[str, Any]:
    """The spec of a new Pod that goes on where this one stopped, or with a copy of its conversation.

    It is the same launch. An agent that cannot resume, or fork, begins a new conversation in the Workspace. Raises
    NotAllowedError where it would work with a key that is another person's own, or with more than a Pod may give.
    """
    whose = pod.credentials.user if pod.credentials else None
    if whose and whose.pk != by.user_id:
        raise NotAllowedError(
            "not_your_key",
            f"{pod.key} was given a key of {whose}'s own: only they go on with it. Start a new Pod instead.",
        )
    _check_gives(by, str(pod.spec.get("permissions", "")))
    launch = pod.spec.get("agent", {}).get("launch", {})
    can = bool(launch.get("fork" if fork else "resume"))
    conversation = (pod.conversation or pod.spec.get("session", "")) if can else ""
    goes_on = can and not fork
    return {
        **pod.spec,
        "session": conversation if goes_on else str(uuid.uuid4()),
        "conversation": conversation,
        "resume": goes_on,
        "fork": can and fork,
    }


def chosen(pod: Pod) -> dict[str, str]:
    """What was chosen for it, for the record; what was left to chance is left out."""
    said = {name: str(pod.spec.get(name, "")) for name in ("permissions", "model", "version")}
    said["credentials"] = pod.credentials.slug if pod.credentials else ""
    return {name: value for name, value in said.items() if value}


def version_warning(pod: Pod) -> str:
    """Empty where its version is one that its agent type was tried with, or is not known before it is installed."""
    install = pod.spec.get("agent", {}).get("install", {})
    version, tested = install.get("version", ""), install.get("tested", "")
    if not version[:1].isdigit() or is_within(version, tested):
        return ""
    return f"{version} is outside the tested {tested}"


def providers_of(declared: Declaration) -> list[str]:
    """Whose keys it can use; none: anybody's."""
    takes = declared["credentials"]
    by_provider = takes["api_key"] if isinstance(takes["api_key"], Mapping) else {}
    return list(takes["providers"] or by_provider)


# ---- Choosing


def _agent_type(by: Actor, wish: Wish) -> AgentType:
    """The Organization's own goes before a built-in one of the same slug."""
    own_first = F("organization_id").asc(nulls_last=True)
    agent_type = agent_types_for(by).filter(slug=wish.agent_type).order_by(own_first).first()
    if agent_type is None:
        raise RefusedError(
            "unknown_agent_type",
            f"There is no agent type “{wish.agent_type}”.",
            field="agent_type",
        )
    if not agent_type.takes_argv and wish.argv:
        raise RefusedError(
            "argv_not_taken", f"{agent_type.name} has a command line of its own.", field="argv"
        )
    if agent_type.takes_argv:
        inputs.check_argv(wish.argv)
    return agent_type


def _permissions(by: Actor, declared: Declaration, wanted: str) -> str:
    """As asked for; else as the Pod that asks has it; else as the Organization has it by default."""
    known = declared["launch"]["permissions"]
    if not wanted and known:
        usual = Organization.objects.values_list("default_permissions", flat=True)
        wanted = _own_permissions(by) or usual.get(pk=by.organization_id)
    _check_gives(by, wanted)
    return wanted


def _check_gives(by: Actor, mode: str) -> None:
    """A Pod gives others no more than it has."""
    own = _own_permissions(by)
    if own and _rank(own) < _rank(mode):
        raise NotAllowedError(
            "too_permissive",
            f"You work with the permissions “{own}”, and give no more than you have: ask a person.",
        )


def _own_permissions(by: Actor) -> str:
    if by.pod_id is None:
        return ""
    spec: dict[str, Any] = Pod.objects.values_list("spec", flat=True).get(pk=by.pod_id)
    return str(spec.get("permissions", ""))


def _rank(mode: str) -> int:
    return PERMISSIONS.index(mode) if mode in PERMISSIONS else 0


def _model(declared: Declaration, wanted: str, credentials: CredentialSet | None) -> str:
    """One that goes with the key is used where the agent takes one."""
    if wanted and not _MODEL.fullmatch(wanted):
        raise RefusedError("bad_model", "This is not the name of a model.", field="model")
    takes_one = any(declared["launch"]["model"].values())
    return wanted or (credentials.model if credentials and takes_one else "")


def _credentials(
    by: Actor, declared: Declaration, wanted: str
) -> tuple[CredentialSet | None, Login]:
    takes = declared["credentials"]
    has_login, has_parts = bool(takes["login"]), bool(takes["api_key"] or takes["base_url"])
    if wanted == NO_CREDENTIALS:
        return None, ""
    if wanted == RUNNERS_LOGIN:
        if not has_login:
            raise _no_credentials(declared, "has no login that a Runner could lend")
        return None, "must"
    if wanted and not has_parts:
        raise _no_credentials(declared, "takes no credentials")
    found = _found(by, declared, wanted) if has_parts else None
    if found is None and wanted:
        raise RefusedError(
            "unknown_credentials",
            f"There is no credential set “{wanted[:80]}” that {declared['name']} can use.",
            field="credentials",
        )
    return found, "may" if found is None and has_login else ""


def _found(by: Actor, declared: Declaration, wanted: str) -> CredentialSet | None:
    """One's own before the Organization's; of several the one that was made first."""
    fitting = credentials_for(by)
    if providers := providers_of(declared):
        fitting = fitting.filter(provider__in=providers)
    if wanted:
        fitting = fitting.filter(slug=wanted)
    return fitting.exclude(user=None).order_by("pk").first() or fitting.order_by("pk").first()


def _references(credentials: CredentialSet | None) -> dict[str, str]:
    if credentials is None:
        return {}
    return {secret.part: reference(secret) for secret in credentials.secrets.all()}


def _no_credentials(declared: Declaration, why: str) -> RefusedError:
    return RefusedError(
        "bad_credentials", f"{declared['name']} {why}: leave credentials out.", field="credentials"
    )
