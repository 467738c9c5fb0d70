"""What a Workspace is to be made from. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CopyFiles:
    """Ignored files that match, from a directory of this machine that its operator allows."""

    source: str
    globs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """A script for sh, run in the Pod's jail before its agent."""

    script: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class WorkspaceSpec:
    """`repository_url` empty: an empty directory. `base` empty: the remote's default branch.

    `fork_of`: a Pod whose Workspace it begins with, uncommitted work included.
    """

    id: int
    repository_url: str = ""
    base: str = ""
    branch: str = ""
    fork_of: str = ""
    copy: CopyFiles | None = None
    setup: Setup | None = None
