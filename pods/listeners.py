"""What others want to hear of: they add their functions here once, when their app is loaded.

Each is called in the transaction of what it hears of, so it must be short and must not raise.
"""

from collections.abc import Callable

from pods.messages import PromptStep
from pods.models import Command, Pod

pod_runs: list[Callable[[Pod], None]] = []
pod_ended: list[Callable[[Pod], None]] = []
agent_changed: list[Callable[[Pod], None]] = []  # another agent_state
prompt_went_on: list[Callable[[Command, PromptStep], None]] = []  # typed, submitted, started
command_over: list[Callable[[Command], None]] = []
