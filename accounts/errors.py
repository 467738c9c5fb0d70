"""What can go wrong in a way a person or program can act on. Doors turn these into their own answers. Pure."""

from typing import Any


class MeshError(Exception):
    """`code` is short and stable; `message` a sentence with cause and cure; `detail` is JSON."""

    def __init__(self, code: str, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, detail


class NotSignedInError(MeshError):
    """Nobody is asking, or with a token that is not valid: 401."""


class BadTokenError(NotSignedInError):
    """The token is unknown, expired or revoked, or its person has left."""


class NotVisibleError(MeshError):
    """There is no such thing for this Actor: 404, whether it exists for others or not."""


class NotAllowedError(MeshError):
    """Visible to this Actor, but not theirs to do: 403."""


class NotAMemberError(NotAllowedError):
    """The person belongs to no Organization, or not to this one."""


class RefusedError(MeshError):
    """The request makes no sense as it is: 400."""


class ConflictError(MeshError):
    """Not possible in the present state: 409."""
