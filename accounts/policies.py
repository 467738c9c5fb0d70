"""What an Organization decides for itself. Pure."""

from enum import StrEnum


class BindingPolicy(StrEnum):
    """Who answers when one Pod asks to watch or drive another."""

    SAME_OWNER = "same_owner"  # at once where both Pods have one owner, else the target Pod
    TARGET = "target"  # the target Pod, or a person who manages it
    PERSON = "person"  # only a person who manages the target


class PermissionMode(StrEnum):
    """What an agent may do without asking, from the most careful to the most trusting."""

    ASK = "ask"  # it asks before it changes anything
    EDIT = "edit"  # it edits files, and asks before it runs programs
    AUTO = "auto"  # it asks only where it sees a risk
    BYPASS = "bypass"  # it asks nothing
