"""Calls of agents, passed on to the Gateway over the live connection."""

from typing import Any

from grpc import aio

from runner_agent.link import wire
from runner_agent.link.link import Link
from runner_agent.messages import ToolAnswer

ATTACHED_WITHIN_S = 5.0  # a Gateway that was restarted is back by then
CALL_S = 58.0  # the longest a tool waits is 50 s; clients give up after 60

_AWAY = ToolAnswer(
    "This Runner is not connected to its server just now. Try again in a moment.",
    is_error=True,
    error_code="runner_offline",
)
_BROKEN = ToolAnswer(
    "The connection to the server broke during the call; it may have been done. Look before you repeat it.",
    is_error=True,
    error_code="connection_lost",
)


class ToolCalls:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def forward(self, token: str, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Never raises: what goes wrong is an answer with `is_error`."""
        stub = await self._link.stub(ATTACHED_WITHIN_S)
        if stub is None:
            return _AWAY
        try:
            call = wire.tool_call(token, name, arguments)
            return wire.tool_answer(await stub.CallTool(call, timeout=CALL_S))
        except aio.AioRpcError:
            return _BROKEN
