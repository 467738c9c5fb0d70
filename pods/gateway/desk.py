"""Who types into one Terminal: those who attend to it, its control lease, its link, and what they typed."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pods.gateway.hand import Hand
from pods.gateway.measures import EchoWatch
from pods.lease import Lease, Writer
from pods.terminals.feed import BROWSER
from pods.terminals.messages import Control, Input, Link, Notice, Refused, Request, Resize, Taken
from pods.terminals.outbox import Outbox

UNSENT = 4096  # notices a slow web process may lag behind; later refusals and the like are dropped
TOLD_AFTER_S = 0.03  # what was taken is told a little later: the echo comes first, and one word tells of many keys
TOLD_AT_ONCE = 16 * 1024  # bytes; so much in one piece is a paste, which waits for it


@dataclass(eq=False, slots=True)
class Attendant:
    """One web process attending to the Terminal, for all its browsers."""

    notices: Outbox[Notice] = field(default_factory=lambda: Outbox(UNSENT))
    viewers: dict[str, "_Viewer"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Viewer:
    writer: Writer
    input_id: str  # names one sequence of typed bytes, to the Runner


class Desk:
    """`send` gives a request to the Runner; False: it cannot take any now. `lapsed` hears of a lease that fell."""

    def __init__(
        self, pod: str, send: Callable[[Request], bool], lapsed: Callable[[], None]
    ) -> None:
        self._pod, self._send, self._lapsed = pod, send, lapsed
        self._lease = Lease()
        self.link = Link(connected=False, reason="starting")
        self._attendants: set[Attendant] = set()
        self._typists: dict[str, tuple[Attendant, str]] = {}  # by input id: where to answer
        self._told: dict[str, int] = {}  # by input id: the position last told as taken
        self._untold: dict[str, int] = {}
        self._hand = Hand(pod, send)
        self._echo = EchoWatch()
        self._turn = asyncio.Lock()
        self._lapse: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        return self._hand.is_idle and not (self._attendants or self._lease.holder)

    # ---- the link

    def connect(self) -> None:
        if not self.link.connected:
            self._change_link(connected=True, reason="")

    def disconnect(self, reason: str) -> None:
        if self.link.connected or self.link.reason != reason:
            self._change_link(connected=False, reason=reason)

    # ---- attendants

    def attend(self) -> Attendant:
        attendant = Attendant()
        self._attendants.add(attendant)
        attendant.notices.put(self.link, "link")
        attendant.notices.put(self._control(), "control")
        return attendant

    def leave(self, attendant: Attendant) -> None:
        self._attendants.discard(attendant)
        for viewer in tuple(attendant.viewers):
            self.drop(attendant, viewer)

    def join(self, attendant: Attendant, viewer: str, writer: Writer, client: str) -> None:
        input_id = f"{writer.kind}:{writer.id}:{client}"
        attendant.viewers[viewer] = _Viewer(writer, input_id)
        self._typists[input_id] = (attendant, viewer)
        self._lease.join(viewer, writer, _now())

    def drop(self, attendant: Attendant, viewer: str) -> None:
        """The browser has gone."""
        gone = attendant.viewers.pop(viewer, None)
        if gone is None:
            return
        if self._typists.get(gone.input_id) == (attendant, viewer):
            del self._typists[gone.input_id]
            self._told.pop(gone.input_id, None)
            self._echo.forget(gone.input_id)
        self._lease.leave(viewer, _now())
        self._watch_lease()

    # ---- what viewers do

    def type(
        self, attendant: Attendant, viewer: str, data: bytes, position: int, link: int
    ) -> None:
        typist = attendant.viewers.get(viewer)
        if typist is None or link != self.link.number:
            return  # sent before it could know of the new link: it comes again
        if not self.link.connected:
            reason = self.link.reason
        elif not self._may_type(typist.writer, viewer):
            reason = "control"
        elif not self._send(Input(self._pod, data, typist.input_id, position)):
            reason = "busy"
        else:
            self._echo.typed(typist.input_id, position + len(data))
            return
        self._refuse(attendant, Refused(viewer, "input", reason, position))

    def resize(self, attendant: Attendant, viewer: str, cols: int, rows: int) -> None:
        typist = attendant.viewers.get(viewer)
        if typist is None:
            return
        if not self._lease.may_resize(typist.writer, viewer, _now()):
            self._refuse(attendant, Refused(viewer, "resize", "control"))
        elif self.link.connected:
            self._send(Resize(self._pod, cols, rows))

    def take(self, attendant: Attendant, viewer: str) -> None:
        if typist := attendant.viewers.get(viewer):
            before = self._holding()
            if not self._lease.take(typist.writer, viewer, _now()):
                self._refuse(attendant, Refused(viewer, "control", "control"))
            self._tell_control(before)

    def release(self, attendant: Attendant, viewer: str) -> None:
        if typist := attendant.viewers.get(viewer):
            before = self._holding()
            self._lease.release(typist.writer, _now())
            self._tell_control(before)

    # ---- what the Runner answers

    def taken(self, input_id: str, position: int) -> None:
        if self._hand.taken(input_id, position) or input_id not in self._typists:
            return
        self._echo.taken(input_id, position)
        told = self._told.get(input_id, 0)
        if not told < position < told + TOLD_AT_ONCE:
            self._tell_taken(input_id, position)
            return
        if not self._untold:
            asyncio.get_running_loop().call_later(TOLD_AFTER_S, self._tell_untold)
        self._untold[input_id] = position

    def refused(self, input_id: str, position: int, reason: str) -> None:
        if self._hand.refused(input_id, reason):
            return
        if typist := self._typists.get(input_id):
            attendant, viewer = typist
            self._echo.forget(input_id)
            self._refuse(attendant, Refused(viewer, "input", reason, position))

    # ---- typing without a viewer

    async def type_steps(self, writer: Writer, steps: Iterable[tuple[float, bytes]]) -> str:
        """Type each step after its pause in seconds; "" once the PTY took all, else why not.

        One at a time, so that two texts never mix. Stops when somebody else takes the Terminal over meanwhile.
        """
        async with self._turn:
            if not self._may_type(writer, ""):
                return "control"
            number = self._lease.number
            for pause, data in steps:
                await asyncio.sleep(pause)
                for start in range(0, len(data), BROWSER.frame):
                    if not self._may_type(writer, "") or self._lease.number != number:
                        return "control"
                    if refused := await self._hand.type(
                        writer, data[start : start + BROWSER.frame]
                    ):
                        return refused
            return ""

    def resize_by(self, writer: Writer, cols: int, rows: int) -> str:
        """An empty answer: it was asked of the Runner; else why not."""
        if not self._lease.may_resize(writer, "", _now()):
            return "control"
        return "" if self._send(Resize(self._pod, cols, rows)) else "reconnecting"

    # ----

    def _tell_untold(self) -> None:
        untold, self._untold = self._untold, {}
        for input_id, position in untold.items():
            self._tell_taken(input_id, position)

    def _tell_taken(self, input_id: str, position: int) -> None:
        self._untold.pop(input_id, None)
        self._told[input_id] = position
        if typist := self._typists.get(input_id):
            attendant, viewer = typist
            attendant.notices.put(Taken(viewer, position), ("taken", viewer))

    def _may_type(self, writer: Writer, viewer: str) -> bool:
        before = self._holding()
        allowed = self._lease.type(writer, viewer, _now())
        self._tell_control(before)
        return allowed

    def _holding(self) -> tuple[int, str]:
        return self._lease.number, self._lease.viewer

    def _tell_control(self, before: tuple[int, str]) -> None:
        if before != self._holding():
            self._tell(self._control(), "control")
        self._watch_lease()

    def _control(self) -> Control:
        lease = self._lease
        since_ms = round((time.time() - (_now() - lease.since)) * 1000) if lease.holder else 0
        return Control(lease.holder, lease.viewer, since_ms)

    def _watch_lease(self) -> None:
        """Have the lease lapse when its time has come."""
        if self._lapse:
            self._lapse.cancel()
            self._lapse = None
        if (at := self._lease.lapses_at()) != float("inf"):
            self._lapse = asyncio.get_running_loop().call_at(at, self._let_lapse)

    def _let_lapse(self) -> None:
        before = self._holding()
        self._lease.lapse(_now())
        self._tell_control(before)
        self._lapsed()

    def _change_link(self, *, connected: bool, reason: str) -> None:
        self.link = Link(connected, reason, self.link.number + 1)
        self._echo = EchoWatch()  # what was under way is typed again
        self._tell(self.link, "link")

    def _tell(self, notice: Notice, key: str) -> None:
        for attendant in self._attendants:
            attendant.notices.put(notice, key)

    def _refuse(self, attendant: Attendant, refused: Refused) -> None:
        attendant.notices.put(refused)


def _now() -> float:
    return asyncio.get_running_loop().time()
