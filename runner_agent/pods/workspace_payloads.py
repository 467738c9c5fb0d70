"""Payloads of the Commands on Workspaces, from JSON into types. CommandError bad_payload for what is not one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from runner_agent.messages import Command, CommandError
from runner_agent.workspaces.spec import CopyFiles, Setup, WorkspaceSpec

SETUP_S, SETUP_MAX_S = 300.0, 3600.0
_TOKEN, _USER = "git_token", "git_username"  # names of parts of a credential set


@dataclass(frozen=True, slots=True)
class Commit:
    """`paths` empty: all that is not ignored."""

    message: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Push:
    """`branch` empty: under its own name. `secrets`: token, and username if it needs one; never logged."""

    remote: str = "origin"
    branch: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Removal:
    """`force`: also with work in it that is nowhere else."""

    force: bool = False
    why: str = ""


def commit_of(command: Command) -> Commit:
    with _reading(command):
        message = str(command.payload["message"]).strip()
        paths = tuple(str(path) for path in command.payload.get("paths") or ())
        if not message:
            raise ValueError("a commit has a message")
        if any("\0" in word for word in (message, *paths)):
            raise ValueError("it holds a NUL")
        return Commit(message, paths)


def push_of(command: Command) -> Push:
    with _reading(command):
        token = command.secrets.get(_TOKEN, "")
        secrets = {"token": token, "username": command.secrets.get(_USER, "")} if token else {}
        held = command.payload
        return Push(str(held.get("remote") or "origin"), str(held.get("branch") or ""), secrets)


def removal_of(command: Command) -> Removal:
    with _reading(command):
        held = command.payload
        return Removal(bool(held.get("force")), str(held.get("why") or ""))


def workspace_of(held: Mapping[str, Any]) -> WorkspaceSpec:
    """Of a start. KeyError, ValueError, TypeError, AttributeError for what is none."""
    copy, setup = held.get("copy") or {}, held.get("setup") or {}
    limit = float(setup.get("timeout_s") or SETUP_S)
    return WorkspaceSpec(
        id=int(held.get("id") or 0),
        repository_url=str(held.get("repository_url") or ""),
        base=str(held.get("base") or ""),
        branch=str(held.get("branch") or ""),
        fork_of=str(held.get("fork_of") or ""),
        copy=CopyFiles(str(copy["from"]), tuple(map(str, copy["globs"]))) if copy else None,
        setup=Setup(str(setup["script"]), min(max(limit, 1.0), SETUP_MAX_S)) if setup else None,
    )


@contextmanager
def _reading(command: Command) -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CommandError(
            "bad_payload", f"This {command.kind} cannot be understood: {error}"
        ) from error
