"""What an Organization decides for itself. Pure."""

from enum import StrEnum


class BindingPolicy(StrEnum):
    """Who answers when one Pod asks to watch or drive another."""

    SAME_OWNER = "same_owner"  # at once where both Pods have one owner, else the target Pod
    TARGET = "target"  # the target Pod, or a person who manages it
    PERSON = "person"  # only a person who manages the target
