"""How Django serves HTTP: each request in a thread that lives on, and in one turn of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponseBase

KEPT = 8  # threads that wait for the next request, each with its connection to the database


class Threads:
    """Lent to one request each, as many as there are requests. Used from the event loop's thread only."""

    def __init__(self) -> None:
        self._idle: list[ThreadPoolExecutor] = []

    @contextmanager
    def lent(self) -> Iterator[ThreadPoolExecutor]:
        """The one that came back last goes out first: its connection is the youngest."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "http")
        try:
            yield thread
        finally:
            if len(self._idle) < KEPT:
                self._idle.append(thread)
            else:
                thread.submit(connections.close_all)
                thread.shutdown(wait=False)


class Handler(ASGIHandler):
    """Django's own starts a thread for each request, which opens a new connection to the database, and changes
    threads twice for each middleware."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = Threads()

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Django's
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with self._threads.lent() as thread:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)
