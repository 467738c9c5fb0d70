"""What other apps want to hear of: they add their functions here once, when they are loaded.

Each is called in the transaction of what it hears of, so it must be short and must not raise.
"""

from collections.abc import Callable

from pods.models import Command, Pod

pod_runs: list[Callable[[Pod], None]] = []
pod_ended: list[Callable[[Pod], None]] = []
command_over: list[Callable[[Command], None]] = []
