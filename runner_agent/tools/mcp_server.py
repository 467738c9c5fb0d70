"""MCP for the agents on this machine: lists what the Gateway sent and forwards each call. It knows no tool by name.

Importing this module takes a second: `tool_door` does it aside.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import uvicorn
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from runner_agent import __version__
from runner_agent.messages import ToolAnswer
from runner_agent.pods.pod_tokens import PodTokens
from runner_agent.tools.hook_door import PATH as HOOKS
from runner_agent.tools.hook_door import Ears, HookDoor

MAX_BODY = 1024 * 1024  # bytes of one call
LEAVE_S = 1  # given to calls under way when the daemon stops
POD_TOKEN = "mesh.token"  # noqa: S105 - where the checked token lies in the ASGI scope
INSTRUCTIONS = (
    "Mesh runs you in a Pod beside other agents. With these tools you can start and watch other Pods, "
    "talk in Channels, and say what you are doing (report_status)."
)

logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of each request

Forward = Callable[[str, str, dict[str, Any]], Awaitable[ToolAnswer]]
"""(Pod's token, tool, arguments) → answer. Never raises: what goes wrong is an answer with `is_error`."""


class ToolServer:
    """`listing` gives the tools as the Gateway sent them last."""

    def __init__(
        self, tokens: PodTokens, listing: Callable[[], bytes], forward: Forward, ears: Ears
    ) -> None:
        self._tokens, self._listing, self._forward = tokens, listing, forward
        self._ears = ears
        self._server = Server(
            "mesh",
            version=__version__,
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def serve(self, listener: socket.socket) -> None:
        """Until cancelled; closes the listener."""
        config = uvicorn.Config(
            self._app(),
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=LEAVE_S,
        )
        server = _QuietServer(config)
        async with self._server.session_manager.run(), asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            try:
                await asyncio.shield(serving)
            except asyncio.CancelledError:
                server.should_exit = True
                await serving
                raise

    def _app(self) -> ASGIApp:
        inner = self._server.streamable_http_app(
            streamable_http_path="/mcp",
            stateless_http=True,
            json_response=False,
            max_request_body_size=MAX_BODY,
            transport_security=TransportSecuritySettings(
                allowed_hosts=["127.0.0.1:*", "localhost:*"],
                allowed_origins=["http://127.0.0.1:*", "http://localhost:*"],
            ),
        )
        return _ForPods(inner, self._tokens, HookDoor(self._ears))

    async def _list(
        self, context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        token: str = context.request.scope[POD_TOKEN]  # type: ignore[union-attr] # as below
        if pod := self._tokens.pod_of(token):
            self._ears.saw_tools(pod)
        return types.ListToolsResult(tools=list(_parsed(self._listing())))

    async def _call(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        token: str = context.request.scope[POD_TOKEN]  # type: ignore[union-attr] # over HTTP there is one
        answer = await self._forward(token, params.name, params.arguments or {})
        return types.CallToolResult(
            content=[types.TextContent(text=answer.text)],
            structured_content=answer.data or None,
            is_error=answer.is_error,
        )


@lru_cache(maxsize=1)
def _parsed(listing: bytes) -> tuple[types.Tool, ...]:
    return tuple(types.Tool.model_validate(each) for each in json.loads(listing or b"[]"))


class _ForPods:
    """Lets in who shows the token of a living Pod. Plain ASGI, so that SSE is not buffered."""

    def __init__(self, inner: ASGIApp, tokens: PodTokens, hooks: HookDoor) -> None:
        self._inner, self._tokens, self._hooks = inner, tokens, hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = dict(scope.get("headers", ())).get(b"authorization", b"").decode("latin-1")
        kind, _, token = header.partition(" ")
        pod = self._tokens.pod_of(token.strip())
        if kind.lower() != "bearer" or pod is None:
            refusal = JSONResponse(
                {"error": "This door takes the token of a living Pod, as Authorization: Bearer."},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await refusal(scope, receive, send)
            return
        if scope["path"].startswith(HOOKS):
            await self._hooks.answer(pod, scope, receive, send)
            return
        await self._inner({**scope, POD_TOKEN: token.strip()}, receive, send)


class _QuietServer(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
