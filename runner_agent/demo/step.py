"""One thing the demo does while somebody looks."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """`kind`: "busy" (what the spinner says), "wait" (nothing new: look again soon), "say", "did" (a thing done),
    "plus" (added lines), "quote" (what another terminal shows), "bad".
    """

    kind: str
    text: str = ""
    seconds: float = 0.0


Doing = Generator[Step, None, T]
"""Steps, and what comes of them: `found = yield from …`."""
