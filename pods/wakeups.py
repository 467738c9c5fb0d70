"""Who sends to which Runner in this process: filled by the gateway, called by `tasks.wake`. Pure."""

from collections.abc import Callable

_SENDERS: dict[int, Callable[[], None]] = {}


def register(runner_id: int, wake: Callable[[], None]) -> None:
    """`wake` is called from any thread and must return at once."""
    _SENDERS[runner_id] = wake


def unregister(runner_id: int, wake: Callable[[], None]) -> None:
    """Forget `wake`; a newer Session's registration stays."""
    if _SENDERS.get(runner_id) == wake:
        del _SENDERS[runner_id]


def wake(runner_id: int) -> None:
    """Wake the sender of this Runner, if this process has it."""
    if sender := _SENDERS.get(runner_id):
        sender()
