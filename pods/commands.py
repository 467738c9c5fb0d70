"""What can be asked of a Runner, and the states a Command goes through. Pure."""

from enum import StrEnum


class CommandKind(StrEnum):
    START = "start"
    TERMINATE = "terminate"
    EXECUTE = "execute"
    PROMPT = "prompt"  # typed into the agent, now or once it is idle
    ANSWER = "answer"  # to what it asks
    INTERRUPT = "interrupt"
    COMMIT = "commit"
    PUSH = "push"
    SNAPSHOT = "snapshot"  # of the Workspace
    REMOVE = "remove"  # the Workspace, to its Runner's trash
    RESTORE = "restore"  # the Workspace, from there
    UPDATE = "update"  # the Runner itself


class CommandState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"  # written to the Session; back to queued when a new Session attaches
    ACKED = "acked"  # in the Runner's ledger
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # the Runner died between writing its ledger and acting


OPEN = frozenset({CommandState.QUEUED, CommandState.SENT, CommandState.ACKED})

_STEPS: dict[CommandState, set[CommandState]] = {
    CommandState.QUEUED: {
        CommandState.SENT,
        CommandState.EXPIRED,
        CommandState.CANCELLED,
        # Sent by an earlier Session and put back: the Runner's word on that sending may come first.
        CommandState.ACKED,
        CommandState.DONE,
        CommandState.FAILED,
        CommandState.UNKNOWN,
    },
    CommandState.SENT: {
        CommandState.QUEUED,
        CommandState.ACKED,
        CommandState.DONE,
        CommandState.FAILED,
        CommandState.EXPIRED,
        CommandState.UNKNOWN,
    },
    CommandState.ACKED: {
        CommandState.DONE,
        CommandState.FAILED,
        CommandState.EXPIRED,
        CommandState.UNKNOWN,
    },
    CommandState.DONE: set(),
    CommandState.FAILED: set(),
    CommandState.EXPIRED: set(),
    CommandState.CANCELLED: set(),
    CommandState.UNKNOWN: set(),
}


def sources(target: CommandState) -> list[CommandState]:
    """The states from which `target` may be entered."""
    return [state for state, nexts in _STEPS.items() if target in nexts]
