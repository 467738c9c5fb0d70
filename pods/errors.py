"""What can go wrong in a way a person or program can act on. Doors turn these into their own answers. Pure."""

from accounts.errors import (
    ConflictError,
    MeshError,
    NotAllowedError,
    NotVisibleError,
    RefusedError,
)

__all__ = [
    "CommandFailedError",
    "ConflictError",
    "MeshError",
    "NotAllowedError",
    "NotVisibleError",
    "QuotaError",
    "RefusedError",
    "RunnerOfflineError",
]


class RunnerOfflineError(MeshError):
    """The Runner is away: 503, with `since` in the detail."""


class CommandFailedError(MeshError):
    """The Runner could not do what it was asked: 502, with the Command's id in the detail."""


class QuotaError(MeshError):
    """A limit of the Organization or the caller is reached: 429."""
