"""Where the agents of this machine find the tools of Mesh: a port on 127.0.0.1 that stays the same over restarts."""

import asyncio
import importlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from runner_agent.agents.watch import AgentWatch
from runner_agent.config import Config
from runner_agent.messages import ToolAnswer
from runner_agent.pods.pod_tokens import PodTokens
from runner_agent.settings import replace_file

HOST = "127.0.0.1"
WAITING = 128  # connections that wait while the server is being loaded

logger = logging.getLogger(__name__)


class ToolDoor:
    """`listing`: the tools as the Gateway sent them last, as JSON."""

    def __init__(self, config: Config, tokens: PodTokens, watch: AgentWatch) -> None:
        self._config, self._tokens, self._watch = config, tokens, watch
        self._listener: socket.socket | None = None
        self.listing = b"[]"
        self.port = 0

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the port. Who calls before `serve` waits."""
        self._listener = _listen(self._remembered()) or _listen(0)
        if self._listener is None:
            raise OSError("no port is free on 127.0.0.1")
        self.port = self._listener.getsockname()[1]
        replace_file(self._config.mcp_port_file, str(self.port).encode())
        self._tokens.url = f"http://{HOST}:{self.port}/mcp"
        try:
            yield
        finally:
            self._listener.close()

    async def serve(
        self, forward: Callable[[str, str, dict[str, Any]], Awaitable[ToolAnswer]]
    ) -> None:
        """Until cancelled. `forward` takes a Pod's token, a tool's name and its arguments."""
        assert self._listener is not None  # noqa: S101 - opened first
        served: Any = await asyncio.to_thread(
            importlib.import_module, "runner_agent.tools.mcp_server"
        )
        server = served.ToolServer(self._tokens, lambda: self.listing, forward, self._watch)
        await server.serve(self._listener)

    def _remembered(self) -> int:
        try:
            return int(self._config.mcp_port_file.read_text())
        except (OSError, ValueError):
            return 0


def _listen(port: int) -> socket.socket | None:
    """None: the port is taken. Agents that run already know only the old one, so it is said aloud."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        logger.warning("agents that run cannot call tools: port %d: %s", port, error.strerror)
        listener.close()
        return None
    listener.listen(WAITING)
    return listener
