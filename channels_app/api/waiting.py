"""A GET that may wait: it asks the database only when something was said."""

from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts.access import actor_for_request
from accounts.actor import Actor
from channels_app.access import Need, channel_for
from pods.errors import MeshError
from pods.waiting import look_until

LONGEST_WAIT_S = 50.0

View = Callable[..., HttpResponseBase]
WaitingView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def until_there_is_more(view: View) -> WaitingView:
    """With `?wait=SECONDS`, call `view` only once the Channel has messages above `after`, or the time is up.

    Whatever is wrong with the request is the view's to say: then it is called at once.
    """

    @csrf_exempt  # the view itself checks logins
    async def waits(request: HttpRequest, slug: str) -> HttpResponseBase:
        seconds = _seconds(request)
        if seconds and request.method == "GET":
            await _wait(request, slug, seconds)
        return await sync_to_async(view)(request, slug=slug)

    return waits


def _seconds(request: HttpRequest) -> float:
    try:
        return max(0.0, min(float(request.GET.get("wait", "0")), LONGEST_WAIT_S))
    except ValueError:
        return 0.0


async def _wait(request: HttpRequest, slug: str, seconds: float) -> None:
    after = request.GET.get("after", "0")
    try:
        actor = await sync_to_async(actor_for_request)(request)
        await look_until(
            lambda _news: sync_to_async(_more)(actor, slug, int(after)),
            organization_id=actor.organization_id,
            kinds=frozenset({"message"}),
            seconds=seconds,
        )
    except (MeshError, ValueError):
        return


def _more(actor: Actor, slug: str, after: int) -> bool | None:
    return channel_for(actor, slug, Need.READ).last_number > after or None
