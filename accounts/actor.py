"""Who is asking. Every door builds an Actor from the connection, never from the payload. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    PODS_READ = "pods:read"
    PODS_WRITE = "pods:write"
    TERMINAL_READ = "terminal:read"
    TERMINAL_WRITE = "terminal:write"
    CHANNELS_READ = "channels:read"
    CHANNELS_WRITE = "channels:write"
    RUNNERS_MANAGE = "runners:manage"
    MEMBERS_MANAGE = "members:manage"


ALL_SCOPES = frozenset(Scope)


class ActorKind(StrEnum):
    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    POD = "pod"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is the user's, the token's or the Pod's primary key. `role` is empty for a Pod."""

    kind: ActorKind
    id: int
    name: str
    organization_id: int
    role: str = ""
    scopes: frozenset[Scope] = ALL_SCOPES
    user_id: int | None = None
    pod_id: int | None = None

    @property
    def manages_all(self) -> bool:
        """Owners and admins manage everything of their Organization."""
        return self.role in {"owner", "admin"}

    @property
    def may_write(self) -> bool:
        return self.role in {"owner", "admin", "member"}

    def has(self, *scopes: Scope) -> bool:
        return self.scopes.issuperset(scopes)
