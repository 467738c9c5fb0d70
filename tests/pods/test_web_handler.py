"""How web runs Django: the threads that requests are served in."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.urls import path

from mesh.handler import KEPT, Handler, Threads

TOGETHER = threading.Barrier(2, timeout=10)
WAITS = threading.Event()


def _alone(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def _together(request: HttpRequest) -> HttpResponse:
    TOGETHER.wait()
    return _alone(request)


async def _waiting(request: HttpRequest) -> HttpResponse:
    if request.GET:
        WAITS.set()
        await asyncio.Event().wait()
    return HttpResponse("waited")


urlpatterns = [path("alone", _alone), path("together", _together), path("waiting", _waiting)]


@pytest.fixture
def handler(settings: Any) -> Handler:
    settings.ROOT_URLCONF = __name__
    return Handler()


async def _get(handler: Handler, where: str) -> str:
    scope = {"type": "http", "method": "GET", "path": f"/{where}", "query_string": b""}
    browser = ApplicationCommunicator(handler, scope | {"headers": [(b"host", b"testserver")]})
    await browser.send_input({"type": "http.request"})
    started, body = await browser.receive_output(10), await browser.receive_output(10)
    await browser.wait()
    assert started["status"] == 200
    return str(body["body"].decode())


async def test_a_request_is_served_in_the_thread_of_the_one_before(handler: Handler) -> None:
    assert await _get(handler, "alone") == await _get(handler, "alone")


async def test_requests_at_the_same_time_do_not_wait_for_each_other(handler: Handler) -> None:
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(_get(handler, "together")) for _ in range(2)]
    assert len({one.result() for one in both}) == 2


async def test_a_view_that_waits_is_served_as_well(handler: Handler) -> None:
    assert await _get(handler, "waiting") == "waited"


async def test_a_view_that_waits_ends_when_its_client_goes(handler: Handler) -> None:
    scope = {"type": "http", "method": "GET", "path": "/waiting", "query_string": b"for=ever"}
    browser = ApplicationCommunicator(handler, scope | {"headers": [(b"host", b"testserver")]})
    await browser.send_input({"type": "http.request"})
    assert await asyncio.to_thread(WAITS.wait, 10)
    await browser.send_input({"type": "http.disconnect"})
    await browser.wait(10)


def test_after_a_rush_only_some_threads_are_kept() -> None:
    threads = Threads()
    with ExitStack() as rush:
        lent = [rush.enter_context(threads.lent()) for _ in range(KEPT + 2)]
    assert sum(_takes_work(thread) for thread in lent) == KEPT


def _takes_work(thread: ThreadPoolExecutor) -> bool:
    try:
        thread.submit(int).result()
    except RuntimeError:
        return False
    return True
