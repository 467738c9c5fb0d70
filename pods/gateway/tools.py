"""Tools called by agents: the Pod is known by its token, and must be a living one of the Runner that asks."""

import asyncio
import json

from accounts.access import digest
from accounts.actor import Actor
from pods.access import actor_for_pod
from pods.errors import MeshError, NotAllowedError
from pods.gateway.pool import Pool
from pods.lifecycle import PodState
from pods.models import Pod
from pods.tooling import ToolAnswer, arguments, call_tool
from proto.mesh.v1 import runner_pb2 as pb

ALIVE = (PodState.STARTING, PodState.RUNNING)
KNOWN_WITHIN_S = 3.0  # an agent may call before the result of its start is written down
LOOK_S = 0.1


async def answer(runner_id: int, call: pb.ToolCall, pool: Pool) -> pb.ToolAnswer:
    """What the agent is told. A refusal is an answer with `is_error`."""
    try:
        given = arguments(call.arguments_json)
        actor = await _known(runner_id, digest(call.pod_token), pool)
    except MeshError as error:
        return _said(ToolAnswer(error.message, is_error=True, error_code=error.code))
    except ValueError:
        said = "The arguments of a tool are a JSON object."
        return _said(ToolAnswer(said, is_error=True, error_code="bad_arguments"))
    return _said(await call_tool(actor, call.name, given, pool.run))


async def _known(runner_id: int, token_digest: str, pool: Pool) -> Actor:
    loop = asyncio.get_running_loop()
    until = loop.time() + KNOWN_WITHIN_S
    while True:
        if actor := await pool.run(_actor, runner_id, token_digest):
            return actor
        if loop.time() >= until:
            raise NotAllowedError("bad_pod_token", "This token is not that of a living Pod here.")
        await asyncio.sleep(LOOK_S)


def _actor(runner_id: int, token_digest: str) -> Actor | None:
    living = Pod.objects.filter(token_digest=token_digest, runner_id=runner_id, state__in=ALIVE)
    pod = living.only("organization", "owner", "key", "name").first()
    return actor_for_pod(pod) if pod else None


def _said(answer: ToolAnswer) -> pb.ToolAnswer:
    return pb.ToolAnswer(
        text=answer.text,
        data_json=json.dumps(answer.data, default=str).encode(),
        is_error=answer.is_error,
        error_code=answer.error_code,
    )
