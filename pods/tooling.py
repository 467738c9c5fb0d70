"""A tool called at a door: looked at, waited for, and told; a refusal is an answer too."""

import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from structlog.contextvars import bound_contextvars

from accounts.actor import Actor, ActorKind
from pods import toolbox
from pods.access import Need, actor_for_pod, pod_for
from pods.errors import MeshError, RefusedError
from pods.toolbox import LONGEST_WAIT_S, Outcome, Wait
from pods.waiting import News, look_until

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
    latest: Outcome | Wait = await in_thread(_run, actor, name, given)
    if isinstance(latest, Outcome):
        return latest
    again = latest.again

    async def look(news: News) -> Outcome | None:
        nonlocal latest
        if again:
            found: Outcome | None = await in_thread(again)
            return found
        if isinstance(latest, Wait) and latest.hint and news.get("content"):
            found = await in_thread(latest.hint, news)
            if found:
                return found
        latest = await in_thread(_run, actor, name, given)
        return latest if isinstance(latest, Outcome) else None

    found = await look_until(
        look,
        organization_id=actor.organization_id,
        kinds=latest.kinds,
        seconds=min(latest.seconds, LONGEST_WAIT_S),
        every=latest.every,
    )
    return found or (latest.otherwise if isinstance(latest, Wait) else latest)


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
