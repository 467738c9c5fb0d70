"""Commands' payloads, from JSON into types. CommandError bad_payload for what is not one."""

from dataclasses import dataclass, field
from typing import Any

from runner_agent.agents.answering import ToAnswer, is_choice
from runner_agent.agents.start import AgentStart
from runner_agent.messages import (
    Command,
    CommandError,
    Execute,
    Prompt,
    TerminatePod,
)
from runner_agent.pods.workspace_payloads import workspace_of
from runner_agent.workspaces.spec import WorkspaceSpec

_GRACE_S = 5.0
_TIMEOUT_S = 60.0
_TIMEOUT_MAX_S = 600.0
_SIDE_MAX = 1000  # columns or rows


@dataclass(frozen=True, slots=True)
class StartPod:
    """`argv` is run as it is when there is no `agent`.

    `resumes`: the Pod that this one goes on from, in its Workspace and HOME; of a fork, with a copy of its HOME.
    """

    pod: str
    argv: tuple[str, ...]
    workspace: WorkspaceSpec
    env: dict[str, str] = field(default_factory=dict)
    cols: int = 80
    rows: int = 24
    prompt: str = ""
    agent: AgentStart | None = None
    resumes: str = ""
    is_fork: bool = False


def start_of(command: Command) -> StartPod:
    held = command.payload
    with _Reading(command):
        agent = AgentStart.from_payload(held, command.secrets)
        return StartPod(
            pod=command.pod,
            argv=agent.words if agent and agent.spec.launch.argv else _argv(held["argv"]),
            workspace=workspace_of(held.get("workspace") or {}),
            env=dict(held.get("env") or {}),
            cols=min(max(int(held.get("cols") or 80), 1), _SIDE_MAX),
            rows=min(max(int(held.get("rows") or 24), 1), _SIDE_MAX),
            prompt=str(held.get("prompt") or ""),
            agent=agent,
            resumes=str(held.get("resumes") or ""),
            is_fork=bool(held.get("fork")),
        )


def terminate_of(command: Command) -> TerminatePod:
    with _Reading(command):
        grace = command.payload.get("grace_s")
        return TerminatePod(command.pod, _GRACE_S if grace is None else max(float(grace), 0.0))


def execute_of(command: Command) -> Execute:
    with _Reading(command):
        timeout = float(command.payload.get("timeout_s") or _TIMEOUT_S)
        return Execute(command.pod, _argv(command.payload["argv"]), min(timeout, _TIMEOUT_MAX_S))


def prompt_of(command: Command) -> Prompt:
    with _Reading(command):
        held = command.payload
        when, may_join = str(held.get("when") or "idle"), bool(held.get("may_join"))
        return Prompt(command.pod, command.id, str(held["text"]), when, may_join)


def answer_of(command: Command) -> ToAnswer:
    with _Reading(command):
        held = command.payload
        choice = str(held["choice"])
        if not is_choice(choice):
            raise ValueError(f"{choice!r} is no choice")
        text = str(held.get("text") or "")
        return ToAnswer(command.pod, command.id, str(held.get("question") or ""), choice, text)


def _argv(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not given:
        raise ValueError("argv is a list of words, the program first")
    if any(not isinstance(word, str) or "\0" in word for word in given) or not given[0]:
        raise ValueError("argv holds something that is no word")
    return tuple(given)


class _Reading:
    def __init__(self, command: Command) -> None:
        self._command = command

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (KeyError, ValueError, TypeError, AttributeError)):
            raise CommandError(
                "bad_payload", f"This {self._command.kind} cannot be understood: {error}"
            ) from error
