"""A tool called at a door: looked at, waited for, and told; a refusal is an answer too."""

import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from structlog.contextvars import bound_contextvars

from accounts.actor import Actor, ActorKind
from pods import toolbox
from pods.access import Need, actor_for_pod, pod_for
from pods.errors import MeshError, RefusedError
from pods.hearing import News, listening
from pods.toolbox import LONGEST_WAIT_S, Outcome, Wait
from pods.waiting import look_again

logger = logging.getLogger(__name__)

InThread = Callable[..., Awaitable[Any]]
"""Run a function that asks the database, off the loop."""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    text: str
    data: dict[str, Any] = field(default_factory=dict)
    is_error: bool = False
    error_code: str = ""


async def call_tool(
    actor: Actor, name: str, given: dict[str, Any], in_thread: InThread
) -> ToolAnswer:
    """Takes at most `LONGEST_WAIT_S` and what the tool itself needs. Never raises.

    An id of its own is in every log line that follows from it, as with a request by REST.
    """
    with bound_contextvars(request_id=str(uuid.uuid4())):
        logger.info("tool %s called by %s", name, actor.name)
        return await _answer(actor, name, given, in_thread)


async def _answer(
    actor: Actor, name: str, given: dict[str, Any], in_thread: InThread
) -> ToolAnswer:
    try:
        outcome = await _outcome(actor, name, given, in_thread)
    except MeshError as error:
        return ToolAnswer(error.message, error.detail, is_error=True, error_code=error.code)
    except Exception:  # the root of an agent's call
        logger.exception("tool %s failed", name)
        text = f"{name} failed on the server. Its log has the reason; trying again may help."
        return ToolAnswer(text, is_error=True, error_code="internal")
    return ToolAnswer(outcome.text, outcome.data)


async def _outcome(actor: Actor, name: str, given: dict[str, Any], in_thread: InThread) -> Outcome:
    """A tool that says what it waits for is looked at once, while it listens; others before that, too."""
    kinds = toolbox.find(name).waits_for
    first: Outcome | Wait | None = None
    if not kinds:
        first = await in_thread(_run, actor, name, given)
        if isinstance(first, Outcome):
            return first
        kinds = first.kinds
    async with listening(actor.organization_id, kinds) as heard:
        wait = first or await in_thread(_run, actor, name, given)
        if isinstance(wait, Outcome):
            return wait
        looked = _Looks(wait, partial(in_thread, _run, actor, name, given), in_thread)
        found = await looked({}) if first else None
        if found is None:
            seconds = min(wait.seconds, LONGEST_WAIT_S)
            found = await look_again(looked, heard, seconds, wait.every)
    return found or looked.wait.otherwise


@dataclass(slots=True)
class _Looks:
    """How a waiting tool looks again; `wait` is what it said last."""

    wait: Wait
    run: Callable[[], Awaitable[Outcome | Wait]]
    in_thread: InThread

    async def __call__(self, news: News) -> Outcome | None:
        found: Outcome | None
        if self.wait.again:
            found = await self.in_thread(self.wait.again)
            return found
        if self.wait.hint and news.get("content"):
            found = await self.in_thread(self.wait.hint, news)
            if found:
                return found
        latest = await self.run()
        if isinstance(latest, Outcome):
            return latest
        self.wait = latest
        return None


def _run(actor: Actor, name: str, given: dict[str, Any]) -> Outcome | Wait:
    """A person who uses a tool that acts as a Pod names one that they manage."""
    if toolbox.find(name).acts_as_pod and actor.kind != ActorKind.POD:
        given = dict(given)
        if not isinstance(key := given.pop("pod", None), str):
            raise RefusedError("no_pod", "Say as which of your Pods: pod.", field="pod")
        actor = actor_for_pod(pod_for(actor, key, Need.MANAGE))
    return toolbox.run_tool(actor, name, given)


def arguments(given: bytes) -> dict[str, Any]:
    """Raises ValueError for what is not a JSON object."""
    read = json.loads(given or b"{}")
    if not isinstance(read, dict):
        raise ValueError("arguments are a JSON object")  # noqa: TRY004 - one error for all that is wrong
    return read
