"""The way of an update to a Runner, and of a roll-out over many, and the only steps on them. Pure: no Django here."""

from enum import StrEnum


class Mode(StrEnum):
    HANDOVER = "handover"  # Pods live through it
    DRAIN = "drain"  # running Pods end first


class After(StrEnum):
    """What is done when the wait is over and the Runner is still at work."""

    HANDOVER = "handover"
    GIVE_UP = "give_up"


class UpdateState(StrEnum):
    PLANNED = "planned"  # its turn in a roll-out is yet to come
    ASKED = "asked"  # its Command is on the way, or waits for the Runner to be back
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"  # the Runner serves with the release it had
    CANCELLED = "cancelled"


class RolloutState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # at its first failure
    STOPPED = "stopped"  # by somebody


OPEN = frozenset({UpdateState.ASKED, UpdateState.WORKING})

_STEPS: dict[UpdateState, set[UpdateState]] = {
    UpdateState.PLANNED: {
        UpdateState.ASKED,
        UpdateState.DONE,
        UpdateState.FAILED,
        UpdateState.CANCELLED,
    },
    UpdateState.ASKED: {
        UpdateState.WORKING,
        UpdateState.DONE,
        UpdateState.FAILED,
        UpdateState.CANCELLED,
    },
    UpdateState.WORKING: {UpdateState.DONE, UpdateState.FAILED, UpdateState.CANCELLED},
    UpdateState.DONE: set(),
    UpdateState.FAILED: set(),
    UpdateState.CANCELLED: set(),
}

_NEEDS_ALL = frozenset({"waiting", "switching"})
"""Steps in which the Runner takes no new Pods, whatever the mode."""


def sources(target: UpdateState) -> list[UpdateState]:
    """The states from which `target` may be entered."""
    return [state for state, nexts in _STEPS.items() if target in nexts]


def takes_no_pods(mode: str, step: str) -> bool:
    """While its Pods are to end, and in the moments around the switch."""
    return mode == Mode.DRAIN or step in _NEEDS_ALL


def order(version: str) -> tuple[int, ...]:
    """To compare versions by; what is no version is older than all."""
    try:
        return tuple(int(number) for number in version.split("."))
    except ValueError:
        return ()
