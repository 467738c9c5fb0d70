"""Database work from asyncio: eight threads, so that one slow query holds up no Session but its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from django.db import OperationalError, close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")

THREADS = 8
DEADLOCK = "40P01"  # PostgreSQL gave one of two transactions up; done again, it goes through
TRIES = 3


class Pool:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="orm")

    async def run(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Cancelling the wait does not stop `fn`. It may be called again: what it writes is one transaction."""

        def call() -> R:
            close_old_connections()
            try:
                return _untangled(fn, *args, **kwargs)
            finally:
                close_old_connections()

        with_its_context = copy_context().run  # what is done for one request is logged with its id
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, with_its_context, call)

    async def close(self) -> None:
        """Wait for what runs, and close each thread's connections."""
        all_here = threading.Barrier(THREADS)

        def leave() -> None:
            all_here.wait()  # so that each thread takes exactly one of these
            connections.close_all()

        leaving = [self._threads.submit(leave) for _ in range(THREADS)]
        for future in leaving:
            await asyncio.wrap_future(future)
        self._threads.shutdown()


def _untangled(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    for _ in range(TRIES - 1):
        try:
            return fn(*args, **kwargs)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != DEADLOCK:
                raise
    return fn(*args, **kwargs)
