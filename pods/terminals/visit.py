"""One browser at one Terminal: what it is shown, what it typed, what it must know."""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Any

from pods.lease import Writer
from pods.lifecycle import ENDED, PodState
from pods.terminals import frames
from pods.terminals.client import PodTerminal
from pods.terminals.messages import Chunk, Control, End, Link, Notice, Refused, Screen, Taken
from pods.terminals.outbox import Outbox
from pods.terminals.sight import Sight
from pods.terminals.typed import Typed
from pods.terminals.viewing import Viewing

UNSENT = 256  # text frames a browser may be owed; what is outdated is replaced, refusals beyond it are dropped
WELCOME_S = 2.0  # how long the first word of a browser may wait for the Pod to be attached

_BEFORE = {PodState.PENDING, PodState.STARTING}

Frame = bytes | dict[str, Any]


class RightsChangedError(Exception):
    """The visitor may type now, or no longer: the visit must begin anew."""


class Visit:
    """A Viewer of the Attendance. `sight` is what the rows say of the Pod; `look_soon` is set when that may be old."""

    def __init__(
        self, terminal: PodTerminal, wishes: frames.Wishes, sight: Sight, kept: Screen | None
    ) -> None:
        self.id = secrets.token_hex(8)
        self.writer: Writer | None = sight.writer if wishes.writes and sight.may_type else None
        self.client = wishes.client or f"~{self.id}"
        self._terminal, self._attendance = terminal, terminal.attendance
        self._numbered = bool(wishes.client)
        self._typed = Typed()
        self._size: frames.Resized | None = None  # asked for and not passed on yet
        self._texts: Outbox[dict[str, Any]] = Outbox(UNSENT)
        self._told: dict[str, dict[str, Any]] = {}  # the last frame of a type
        self._end_shown = False
        self._sight = sight
        self.look_soon = asyncio.Event()
        self._attached = asyncio.Event()
        lossless = wishes.offset is not None
        self._viewing = Viewing(terminal.feeds, wishes.offset, lossless=lossless)
        if kept and not (lossless or sight.is_online):
            self._put(frames.shown_text(kept))
        terminal.attendance.join(self)
        self.told(self._attendance.control)
        self.told(self._attendance.link)

    def close(self) -> None:
        self._attendance.leave(self)
        self._viewing.close()

    # ---- what the browser is told

    async def show(self) -> Frame | None:
        """What the Terminal shows next; None after its end."""
        shown = await self._viewing.next()
        if isinstance(shown, Chunk):
            return frames.binary(shown)
        if isinstance(shown, End):
            self._end_shown = True
            self.look_soon.set()
            return None
        return frames.shown_text(shown)

    async def tell(self) -> dict[str, Any]:
        return await self._texts.next()

    @property
    def expects_news(self) -> bool:
        """The Terminal runs, or has ended, and the rows do not say so yet."""
        if self._end_shown:
            return self._sight.state not in ENDED
        return self._attendance.link.connected and self._sight.state in _BEFORE

    def see(self, sight: Sight) -> None:
        """What the rows say now. That the Pod has ended is told after the last byte, if that can come.

        Raises RightsChangedError.
        """
        if sight.may_type != self._sight.may_type:
            raise RightsChangedError
        self._sight = sight
        self._terminal.moved(sight.place)
        link = self._attendance.link
        bytes_may_come = sight.is_online and link.reason != "unknown"
        if sight.state in ENDED and bytes_may_come and not self._end_shown:
            return
        self._tell_if_new(_state_text(sight, link))

    def told(self, notice: Notice) -> None:
        match notice:
            case Link(connected=True):
                self._attached.set()
                self._typed.rewind()
                self._send_size()
                self._send_typed()
                self.see(self._sight)
                self.look_soon.set()
            case Link():
                self.see(self._sight)
                self.look_soon.set()
            case Control(holder):
                you = holder is not None and holder == self.writer
                self._tell_if_new(frames.control_text(notice, you=you))
            case Taken(_, position):
                self._confirm(position)
            case Refused(_, "input", _, position):
                if position < (self._typed.end or 0):
                    self._refuse("input", notice.reason, self._typed.drop(position))
            case Refused():
                self._put(frames.refused_text(notice, numbered=False))

    # ---- what the browser says

    async def welcome(self) -> None:
        """Wait a moment for the Pod to be attached, so that what is typed first is not refused for our haste."""
        may_come = self.writer is not None and self._sight.is_online
        if may_come and self._sight.state not in ENDED:
            with suppress(TimeoutError):
                async with asyncio.timeout(WELCOME_S):
                    await self._attached.wait()

    def hear(self, said: frames.Said) -> None:
        match said:
            case frames.Acked(offset):
                self._viewing.ack(offset)
            case frames.Typing(data, position):
                self._type(data, position)
            case frames.Resized():
                self._resize(said)
            case frames.Wish(control):
                self._control(control)

    def _type(self, data: bytes, position: int | None) -> None:
        refused = self._why_not()
        if not refused:
            refused = self._typed.add(position, data)
        if refused:
            at = self._typed.end if self._typed.end is not None else position
            self._refuse("input", refused, at or 0)
            return
        if position is not None and position + len(data) <= self._typed.taken:
            self._put(frames.taken_text(self._typed.taken), "taken")
        self._send_typed()

    def _resize(self, size: frames.Resized) -> None:
        if self.writer is None:
            self._refuse("resize", "read_only")
            return
        self._size = size
        if self._attendance.link.connected:
            self._send_size()

    def _control(self, wish: str) -> None:
        if refused := self._why_not():
            self._refuse("control", refused)
        elif wish == "take":
            self._attendance.take(self)
        else:
            self._attendance.release(self)

    # ----

    def _why_not(self) -> str:
        """Why nothing can be typed now, or ""."""
        link = self._attendance.link
        if self.writer is None:
            return "read_only"
        if self._sight.state in ENDED:
            return "ended"
        if link.connected:
            return ""
        if self._sight.state in _BEFORE:
            return "starting"
        return link.reason if link.reason == "ended" else "reconnecting"

    def _send_typed(self) -> None:
        if self._attendance.link.connected:
            for position, data in self._typed.due():
                self._attendance.type(self, position, data)

    def _send_size(self) -> None:
        if self._size:
            self._attendance.resize(self, self._size.cols, self._size.rows)
            self._size = None

    def _confirm(self, position: int) -> None:
        if self._typed.confirm(position, time.monotonic()) and self._numbered:
            self._put(frames.taken_text(position), "taken")
        self._send_typed()

    def _refuse(self, what: str, reason: str, position: int = 0) -> None:
        refused = Refused(self.id, what, reason, position)
        self._put(frames.refused_text(refused, numbered=self._numbered))

    def _tell_if_new(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if self._told.get(kind) != frame:
            self._told[kind] = frame
            self._put(frame, kind)

    def _put(self, frame: dict[str, Any] | None, key: str | None = None) -> None:
        if frame is not None:
            self._texts.put(frame, key)


def _state_text(sight: Sight, link: Link) -> dict[str, Any]:
    text: dict[str, Any] = {
        "type": "state",
        "state": sight.state,
        "connected": link.connected and sight.state not in ENDED,
        "runner": "online" if sight.is_online else "offline",
    }
    if not (link.connected or sight.state in ENDED):
        text["reason"] = link.reason
    if sight.exit_code is not None:
        text["exit_code"] = sight.exit_code
    if sight.reason:
        text["text"] = sight.reason
    if not sight.is_online and sight.place.since:
        text["since"] = sight.place.since.isoformat()
    return text
