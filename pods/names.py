"""Ids with types of their own, and how a Pod gets its key. Pure."""

import secrets
from typing import NewType

PodKey = NewType("PodKey", str)
RunnerId = NewType("RunnerId", int)

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that look alike


def new_pod_key() -> PodKey:
    """Such as `pod-7f3k2q`: short enough to say aloud, 30 bits, unique by constraint."""
    return PodKey("pod-" + "".join(secrets.choice(_LETTERS) for _ in range(6)))
