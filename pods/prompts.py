"""The way of a prompt into an agent, and the only steps on it. Pure: no Django here."""

from enum import StrEnum


class When(StrEnum):
    NOW = "now"  # as soon as it can be typed, whatever the agent does; before those that wait for idle
    IDLE = "idle"  # once the agent waits for its user


class PromptState(StrEnum):
    QUEUED = "queued"  # can still be edited, moved and taken back
    SENT = "sent"  # its Runner was asked to type it
    TYPED = "typed"  # the text is in the agent's input
    SUBMITTED = "submitted"  # Enter was pressed, and was seen to have been taken
    STARTED = "started"  # the agent's turn began
    FAILED = "failed"  # why is in its last receipt
    CANCELLED = "cancelled"  # taken back, or its Pod ended first


_STEPS: dict[PromptState, set[PromptState]] = {
    PromptState.QUEUED: {PromptState.SENT, PromptState.CANCELLED},
    PromptState.SENT: {
        PromptState.TYPED,
        PromptState.SUBMITTED,
        PromptState.STARTED,
        PromptState.FAILED,
        PromptState.CANCELLED,
    },
    PromptState.TYPED: {
        PromptState.SUBMITTED,
        PromptState.STARTED,
        PromptState.FAILED,
        PromptState.CANCELLED,
    },
    PromptState.SUBMITTED: {PromptState.STARTED, PromptState.FAILED},
    PromptState.STARTED: set(),
    PromptState.FAILED: set(),
    PromptState.CANCELLED: set(),
}


def sources(target: PromptState) -> list[PromptState]:
    """The states from which `target` may be entered."""
    return [state for state, nexts in _STEPS.items() if target in nexts]
