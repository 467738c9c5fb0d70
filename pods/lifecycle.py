"""The states of a Pod and the only steps between them; the states of its agent. Pure: no Django here."""

from enum import StrEnum


class PodState(StrEnum):
    PENDING = "pending"  # asked for; not yet sent to a Runner
    STARTING = "starting"  # its Runner was told to start it
    RUNNING = "running"  # its Terminal is open
    STOPPING = "stopping"  # its Runner was told to end it
    COMPLETED = "completed"  # ended by itself with exit code 0
    FAILED = "failed"  # could not start, or ended by itself with another exit code
    TERMINATED = "terminated"  # ended because somebody asked
    LOST = "lost"  # its host died or its machine was rebooted


class AgentState(StrEnum):
    """What the agent in a Pod is doing, by its Runner's evidence; it never changes the Pod's state."""

    WORKING = "working"
    WAITING = "waiting"  # for a person
    IDLE = "idle"
    UNKNOWN = "unknown"


_STEPS: dict[PodState, set[PodState]] = {
    PodState.PENDING: {PodState.STARTING, PodState.FAILED, PodState.TERMINATED},
    PodState.STARTING: {PodState.RUNNING, PodState.STOPPING, PodState.FAILED, PodState.LOST},
    PodState.RUNNING: {PodState.STOPPING, PodState.COMPLETED, PodState.FAILED, PodState.LOST},
    PodState.STOPPING: {PodState.TERMINATED, PodState.LOST},
    PodState.LOST: {PodState.RUNNING, PodState.TERMINATED},
    PodState.COMPLETED: set(),
    PodState.FAILED: set(),
    PodState.TERMINATED: set(),
}

LIVE = frozenset({PodState.STARTING, PodState.RUNNING, PodState.STOPPING})
"""States in which a Pod takes a place on its Runner."""

ENDED = frozenset(state for state, nexts in _STEPS.items() if not nexts)


def sources(target: PodState) -> list[PodState]:
    """The states from which `target` may be entered."""
    return [state for state, nexts in _STEPS.items() if target in nexts]
