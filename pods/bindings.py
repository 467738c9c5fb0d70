"""What a Binding may allow, the states it goes through, and who decides. Pure: no Django here."""

from enum import StrEnum

from accounts.policies import BindingPolicy


class BindingScope(StrEnum):
    READ = "terminal:read"
    WRITE = "terminal:write"


class BindingState(StrEnum):
    REQUESTED = "requested"
    ACTIVE = "active"
    REJECTED = "rejected"
    RELEASED = "released"  # by either side, or because one of the two Pods ended
    EXPIRED = "expired"  # unanswered for 24 h


_STEPS: dict[BindingState, set[BindingState]] = {
    BindingState.REQUESTED: {
        BindingState.ACTIVE,
        BindingState.REJECTED,
        BindingState.RELEASED,
        BindingState.EXPIRED,
    },
    BindingState.ACTIVE: {BindingState.RELEASED},
    BindingState.REJECTED: set(),
    BindingState.RELEASED: set(),
    BindingState.EXPIRED: set(),
}

OPEN = frozenset(state for state, nexts in _STEPS.items() if nexts)


def sources(target: BindingState) -> list[BindingState]:
    """The states from which `target` may be entered."""
    return [state for state, nexts in _STEPS.items() if target in nexts]


def is_automatic(policy: BindingPolicy, *, same_owner: bool) -> bool:
    return policy is BindingPolicy.SAME_OWNER and same_owner


def may_answer(policy: BindingPolicy, *, is_target_pod: bool, manages_target: bool) -> bool:
    """Whether this Actor may accept or reject."""
    return manages_target or (is_target_pod and policy is not BindingPolicy.PERSON)
