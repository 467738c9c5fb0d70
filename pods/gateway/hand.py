"""Typing into one Terminal without a viewer, each piece waited for until the PTY has it."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from pods.lease import Writer
from pods.terminals.messages import Input, Request

CONFIRM_S = 10.0  # what the PTY has not taken by then is reported as unconfirmed


@dataclass(slots=True)
class _Awaited:
    taken: int = 0
    refused: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Hand:
    def __init__(self, pod: str, send: Callable[[Request], bool]) -> None:
        self._pod, self._send = pod, send
        self._awaited: dict[str, _Awaited] = {}
        self._typed: dict[str, int] = {}  # bytes, by input id
        self._tag = secrets.token_hex(4)  # positions begin anew with this object

    @property
    def is_idle(self) -> bool:
        return not self._awaited

    async def type(self, writer: Writer, data: bytes) -> str:
        """Why not, or "" once the PTY took all of it. For one writer, one at a time."""
        input_id = f"{writer.kind}:{writer.id}:!{self._tag}"
        position = self._typed.get(input_id, 0)
        end = position + len(data)
        awaited = self._awaited[input_id] = _Awaited()
        try:
            if not self._send(Input(self._pod, data, input_id, position)):
                return "reconnecting"
            async with asyncio.timeout(CONFIRM_S):
                while not awaited.refused and awaited.taken < end:
                    awaited.changed.clear()
                    await awaited.changed.wait()
        except TimeoutError:
            awaited.refused = "unconfirmed"
        finally:
            del self._awaited[input_id]
            self._typed[input_id] = end
            if awaited.taken < end:
                self._tag = secrets.token_hex(
                    4
                )  # what the Runner has of this sequence is not known
        return awaited.refused

    def taken(self, input_id: str, position: int) -> bool:
        """Whether it was this hand's."""
        if awaited := self._awaited.get(input_id):
            awaited.taken = position
            awaited.changed.set()
        return awaited is not None

    def refused(self, input_id: str, reason: str) -> bool:
        """Whether it was this hand's."""
        if awaited := self._awaited.get(input_id):
            awaited.refused = reason
            awaited.changed.set()
        return awaited is not None
