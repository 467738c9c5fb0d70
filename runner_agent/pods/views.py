"""The Runner's own views of the agents' repositories, each used by one at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runner_agent.jail.confine import Isolation
from runner_agent.pods.records import Record, Records
from runner_agent.workspaces.git_view import GitView


@dataclass(slots=True)
class Views:
    records: Records
    isolation: Isolation
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    @asynccontextmanager
    async def of(self, record: Record) -> AsyncIterator[GitView]:
        """To be looked at by nobody else meanwhile."""
        async with self._locks.setdefault(record.pod, asyncio.Lock()):
            yield GitView(
                directory=self.records.places(record.pod).git_view,
                tree=Path(record.workspace.path),
                cache=Path(record.workspace.cache),
                isolation=self.isolation,
            )
