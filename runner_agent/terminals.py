"""Feeds: readings of Terminals that a Gateway opened, each at its own pace from the Pod's log."""

from collections.abc import AsyncIterator
from typing import Any

from runner_agent.hosts import PodHosts
from runner_agent.messages import TerminalEvent, TerminalRequest


class UnknownPodError(Exception):
    """This Runner holds no such Pod."""


class Terminals:
    def __init__(self, hosts: PodHosts) -> None:
        self.hosts = hosts

    def handle(self, request: TerminalRequest) -> None:
        """Never waits: an agent that does not read holds up nobody else's typing."""
        raise NotImplementedError

    def events(self) -> AsyncIterator[TerminalEvent]:
        """What to send, feeds in turn, for one Terminals stream at a time. Ends only by being closed."""
        raise NotImplementedError

    def close_all(self) -> None:
        """The stream ended: forget its feeds. Pods go on."""
        raise NotImplementedError

    async def screen(self, pod: str) -> dict[str, Any]:
        """`text cols rows cursor title offset as_of bracketed_paste echo alternate`; UnknownPodError."""
        raise NotImplementedError

    async def output(self, pod: str, offset: int, limit: int) -> tuple[bytes, int, int]:
        """Kept bytes from `offset` on (the first kept one if that is gone): data, its offset, the Terminal's end."""
        raise NotImplementedError
