"""The parent of tasks that outlive the browser's socket which needed them first."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Job:
    """A task of the household, or one that is about to be."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self.work = work
        self.task: asyncio.Task[None] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        if self.task:
            self.task.cancel()


class Household:
    """One TaskGroup that exists while it has jobs. Daphne runs no lifespan, so the first job starts it."""

    def __init__(self) -> None:
        self._waiting: list[Job] = []
        self._changed = asyncio.Event()
        self._root: asyncio.Task[None] | None = None

    def add(self, work: Coroutine[Any, Any, None]) -> Job:
        """A failure of `work` is logged and ends nothing else."""
        job = Job(work)
        self._waiting.append(job)
        self._changed.set()
        if self._root is None:
            self._root = asyncio.get_running_loop().create_task(self._live(), name="household")
        return job

    async def _live(self) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as group:
                while running or self._waiting:
                    self._changed.clear()
                    self._start(group, running)
                    running = {task for task in running if not task.done()}
                    if running and not self._waiting:
                        await self._changed.wait()
        finally:
            self._root = None

    def _start(self, group: asyncio.TaskGroup, running: set[asyncio.Task[None]]) -> None:
        for job in self._waiting:
            if job.cancelled:
                job.work.close()
                continue
            job.task = group.create_task(_logged(job.work))
            job.task.add_done_callback(lambda _: self._changed.set())
            running.add(job.task)
        self._waiting.clear()


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("a task shared by browsers failed")
