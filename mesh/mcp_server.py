"""MCP over HTTP, stateless: each request is served by itself, so web needs no task that outlives it."""

import json
import logging
from typing import Any

from channels.db import database_sync_to_async
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from accounts.actor import Actor
from mesh.mcp_door import ACTOR
from pods import toolbox
from pods.tooling import call_tool

MAX_BODY = 1024 * 1024  # bytes of one call
INSTRUCTIONS = (
    "Mesh runs coding agents in Pods on machines of your own. With these tools you start Pods, watch and drive "
    "their terminals, and talk with them in Channels."
)

logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of each request


async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One request of the Actor in the scope."""
    manager = StreamableHTTPSessionManager(
        _server, stateless=True, json_response=False, max_request_body_size=MAX_BODY
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)


async def _list(
    _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    shapes = [tool.schema(for_people=True) for tool in toolbox.tools()]
    return types.ListToolsResult(tools=[types.Tool.model_validate(each) for each in shapes])


async def _call(
    context: ServerRequestContext[Any], params: types.CallToolRequestParams
) -> types.CallToolResult:
    actor: Actor = context.request.scope[ACTOR]  # type: ignore[union-attr] # over HTTP there is one
    answer = await call_tool(actor, params.name, params.arguments or {}, _in_thread)
    return types.CallToolResult(
        content=[types.TextContent(text=answer.text)],
        structured_content=json.loads(json.dumps(answer.data, default=str)) or None,
        is_error=answer.is_error,
    )


async def _in_thread(fn: Any, *args: Any) -> Any:
    return await database_sync_to_async(fn, thread_sensitive=False)(*args)


_server: Server[Any] = Server(
    "mesh", version="1", instructions=INSTRUCTIONS, on_list_tools=_list, on_call_tool=_call
)
