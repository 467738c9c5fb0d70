"""The door for agents on this machine: MCP over HTTP on 127.0.0.1, with the Pod's own token.

It knows no tool by name: it lists what the Gateway sent and forwards each call.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import mcp.types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from runner_agent import __version__
from runner_agent.pod_tokens import PodTokens

logger = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024  # bytes of one call
POD_TOKEN = "mesh.token"  # where the checked token lies in the ASGI scope


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    text: str
    data: dict[str, Any] = field(default_factory=dict)
    is_error: bool = False


Forward = Callable[[str, str, dict[str, Any]], Awaitable[ToolAnswer]]
"""(Pod's token, tool, arguments) → answer. Never raises: what goes wrong is an answer with `is_error`."""


class ToolDoor:
    """Serves while the daemon runs; the port is chosen by the system and told in the hello."""

    def __init__(self, tokens: PodTokens, forward: Forward) -> None:
        self._tokens, self._forward = tokens, forward
        self._tools: list[types.Tool] = []
        self._server = Server(
            "mesh",
            version=__version__,
            instructions=(
                "Mesh runs you in a Pod beside other agents. With these tools you can start and watch "
                "other Pods, talk in Channels, and say what you are doing (report_status)."
            ),
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    def offer(self, listing: bytes) -> None:
        """What the Gateway sent when the Session opened."""
        self._tools = [types.Tool.model_validate(each) for each in json.loads(listing or b"[]")]

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[tuple[int, Callable[[], Awaitable[None]]]]:
        """Yields the port and the job to run in the caller's TaskGroup."""
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=port, log_level="warning", lifespan="off",
            timeout_graceful_shutdown=2,
        )
        listener = config.bind_socket()
        server = _QuietServer(config)
        manager = self._server.session_manager
        async with manager.run():

            async def serve() -> None:
                await server.serve(sockets=[listener])

            try:
                yield listener.getsockname()[1], serve
            finally:
                server.should_exit = True
                listener.close()

    def _app(self) -> ASGIApp:
        inner = self._server.streamable_http_app(
            streamable_http_path="/mcp",
            stateless_http=True,
            json_response=False,
            max_request_body_size=MAX_BODY,
            transport_security=TransportSecuritySettings(
                allowed_hosts=["127.0.0.1:*", "localhost:*"], allowed_origins=[]
            ),
        )
        return _ForPods(inner, self._tokens)

    async def _list(
        self, _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=self._tools)

    async def _call(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        token: str = context.request.scope[POD_TOKEN]
        answer = await self._forward(token, params.name, params.arguments or {})
        return types.CallToolResult(
            content=[types.TextContent(text=answer.text)],
            structured_content=answer.data or None,
            is_error=answer.is_error,
        )


class _ForPods:
    """Lets in who shows the token of a living Pod. Plain ASGI, so that SSE is not buffered."""

    def __init__(self, inner: ASGIApp, tokens: PodTokens) -> None:
        self._inner, self._tokens = inner, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = dict(scope.get("headers", ())).get(b"authorization", b"").decode("latin-1")
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or self._tokens.pod_of(token.strip()) is None:
            refusal = JSONResponse(
                {"error": "This door takes the token of a living Pod, as Authorization: Bearer."},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await refusal(scope, receive, send)
            return
        await self._inner({**scope, POD_TOKEN: token.strip()}, receive, send)


class _QuietServer(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
