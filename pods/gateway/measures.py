"""What this Gateway counts and times. It is kept in the Gateway's row, from where /metrics tells it."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

WAITED = 4096  # writers whose bytes may be waited for at once; of more, the rest is not timed
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

DISPATCH = Histogram(
    "mesh_dispatch_seconds",
    "From a Command's row to its acknowledgement by the Runner.",
    registry=REGISTRY,
    buckets=_SECONDS,
)
ECHO = Histogram(
    "mesh_echo_seconds",
    "From a key's arrival at the gateway to the word of the Pod's host that its terminal took it.",
    registry=REGISTRY,
    buckets=(0.001, 0.0025, *_SECONDS),
)
SESSIONS = Counter("mesh_sessions_begun", "Sessions that began.", registry=REGISTRY)
RECONNECTS = Counter(
    "mesh_reconnects", "Sessions of Runners that had one before.", registry=REGISTRY
)
REFUSED = Counter(
    "mesh_refused_frames",
    "Words of Runners that were not believed: malformed, not theirs, or of an older Session.",
    ["why"],
    registry=REGISTRY,
)
for _why in ("malformed", "claim", "stale"):
    REFUSED.labels(_why)


class EchoWatch:
    """Times one piece per writer at a time: from its arrival until the terminal took it."""

    def __init__(self) -> None:
        self._waited: dict[str, tuple[int, float]] = {}

    def typed(self, writer: str, end: int) -> None:
        if writer not in self._waited and len(self._waited) < WAITED:
            self._waited[writer] = (end, asyncio.get_running_loop().time())

    def taken(self, writer: str, position: int) -> None:
        end, at = self._waited.get(writer, (0, 0.0))
        if end and position >= end:
            del self._waited[writer]
            ECHO.observe(asyncio.get_running_loop().time() - at)

    def forget(self, writer: str) -> None:
        """What was typed will not be taken: refused, or its writer has gone."""
        self._waited.pop(writer, None)


def measured() -> list[dict[str, Any]]:
    """All of it, as JSON: families with their samples [name, labels, value]."""
    return [
        {
            "name": family.name,
            "help": family.documentation,
            "type": family.type,
            "samples": [
                [each.name, each.labels, each.value]
                for each in family.samples
                if not each.name.endswith("_created")
            ],
        }
        for family in REGISTRY.collect()
    ]
