"""What can be chosen beside the agent in the form of a new Pod: permissions, key, model, version."""

from dataclasses import dataclass

from accounts.actor import Actor
from accounts.policies import PermissionMode
from pods.access import agent_types_for, credentials_for
from pods.declarations import permission_modes
from pods.models import AgentType, CredentialSet, Pod
from pods.services.launching import NO_CREDENTIALS, RUNNERS_LOGIN, providers_of, version_warning

PERMISSIONS_SAID: dict[str, str] = {
    PermissionMode.ASK: "Ask before changes",
    PermissionMode.EDIT: "Edit files, ask for the rest",
    PermissionMode.AUTO: "Ask where it sees a risk",
    PermissionMode.BYPASS: "Ask nothing",
}


@dataclass(frozen=True)
class AgentChoice:
    """An agent type, and which of the other choices go with it: as words for `data-` attributes."""

    agent_type: AgentType
    sets: list[CredentialSet]

    @property
    def permissions(self) -> str:
        return " ".join(permission_modes(self.agent_type.declared))

    @property
    def takes_model(self) -> bool:
        return any(self.agent_type.declared["launch"]["model"].values())

    @property
    def takes_version(self) -> bool:
        return self.agent_type.declared["install"]["kind"] in {"npm", "pip"}

    @property
    def version(self) -> str:
        return str(self.agent_type.declared["install"]["version"])

    @property
    def credentials(self) -> str:
        """Slugs of what fits; empty: it takes none."""
        declared = self.agent_type.declared
        takes, providers = declared["credentials"], providers_of(declared)
        fits: list[str] = []
        if takes["api_key"] or takes["base_url"]:
            fits = [each.slug for each in self.sets if not providers or each.provider in providers]
        if takes["login"]:
            fits.append(RUNNERS_LOGIN)
        return " ".join([*fits, NO_CREDENTIALS]) if fits else ""


def agent_choices(actor: Actor) -> list[AgentChoice]:
    sets = list(credentials_for(actor))
    return [AgentChoice(each, sets) for each in agent_types_for(actor).order_by("name")]


def credential_choices(actor: Actor) -> list[tuple[str, str]]:
    sets = credentials_for(actor).order_by("user", "name")
    return [
        ("", "The usual"),
        *((each.slug, f"{each.name}{' (yours)' if each.user_id else ''}") for each in sets),
        (RUNNERS_LOGIN, "Login of the Runner's user"),
        (NO_CREDENTIALS, "None"),
    ]


def last_chosen(pod: Pod) -> dict[str, str]:
    """As this Pod was launched: what its person used last."""
    spec = pod.spec
    credentials = pod.credentials.slug if pod.credentials else ""
    chosen = {
        "permissions": spec.get("permissions", ""),
        "model": spec.get("model", ""),
        "version": spec.get("version", ""),
        "credentials": credentials or (RUNNERS_LOGIN if spec.get("login") == "must" else ""),
    }
    return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True)
class LaunchLook:
    """How a Pod was launched, as its page shows it."""

    pod: Pod

    @property
    def _install(self) -> dict[str, str]:
        install: dict[str, str] = self.pod.spec.get("agent", {}).get("install", {})
        return install

    @property
    def version(self) -> str:
        return self._install.get("version", "")

    @property
    def warning(self) -> str:
        return version_warning(self.pod)

    @property
    def permissions(self) -> str:
        mode = self.pod.spec.get("permissions", "")
        return PERMISSIONS_SAID.get(mode, mode)

    @property
    def model(self) -> str:
        return str(self.pod.spec.get("model", ""))

    @property
    def key(self) -> str:
        if self.pod.credentials:
            return self.pod.credentials.name
        if self.pod.spec.get("secrets"):
            return "deleted since"
        return "login of the Runner's user" if self.pod.spec.get("login") == "must" else ""
