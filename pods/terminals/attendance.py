"""What this web process's browsers do to one Terminal, and what all of them must know."""

from typing import Any, Protocol

from pods.lease import Writer
from pods.terminals import wire
from pods.terminals.dial import EOF
from pods.terminals.messages import Control, Link, Notice, Refused, Taken
from pods.terminals.outbox import Outbox
from pods.together import until_one_ends
from proto.mesh.v1 import relay_pb2 as pb

UNSENT = 4096  # messages a slow gateway may lag behind; viewers' windows keep it far below

AWAY = Link(connected=False, reason="reconnecting")


class Viewer(Protocol):
    """One browser's side. `writer` None: it may not type."""

    id: str
    writer: Writer | None
    client: str

    def told(self, notice: Notice) -> None: ...


class Attendance:
    def __init__(self) -> None:
        self.link, self.control = AWAY, Control()
        self._viewers: dict[str, Viewer] = {}
        self._outbox: Outbox[pb.AttendUp] = Outbox(UNSENT)

    # ---- for viewers

    def join(self, viewer: Viewer) -> None:
        self._viewers[viewer.id] = viewer
        self._introduce(viewer)

    def leave(self, viewer: Viewer) -> None:
        if self._viewers.pop(viewer.id, None) and viewer.writer:
            self._wish(viewer, pb.ViewerControl.LEAVE)

    def type(self, viewer: Viewer, position: int, data: bytes) -> None:
        typed = pb.ViewerInput(
            viewer=viewer.id, position=position, data=data, link=self.link.number
        )
        self._outbox.put(pb.AttendUp(input=typed))

    def resize(self, viewer: Viewer, cols: int, rows: int) -> None:
        wish = pb.ViewerResize(viewer=viewer.id, cols=cols, rows=rows)
        self._outbox.put(pb.AttendUp(resize=wish), ("resize", viewer.id))

    def take(self, viewer: Viewer) -> None:
        self._wish(viewer, pb.ViewerControl.TAKE)

    def release(self, viewer: Viewer) -> None:
        self._wish(viewer, pb.ViewerControl.RELEASE)

    # ---- for the client

    async def run(self, call: Any, runner_id: int, pod: str) -> None:
        """Attend until the call ends."""
        self._outbox = Outbox(UNSENT)  # what was meant for the call before this one is outdated
        self._outbox.put(pb.AttendUp(open=pb.AttendOpen(runner_id=runner_id, pod=pod)))
        for viewer in self._viewers.values():
            self._introduce(viewer)
        try:
            await until_one_ends(self._read(call), self._write(call))
        finally:
            self.lost()

    def lost(self) -> None:
        self._hear(AWAY)

    # ----

    async def _read(self, call: Any) -> None:
        while (message := await call.read()) is not EOF:
            if notice := wire.notice_from_gateway(message):
                self._hear(notice)

    async def _write(self, call: Any) -> None:
        while True:
            await call.write(await self._outbox.next())

    def _hear(self, notice: Notice) -> None:
        match notice:
            case Taken(viewer_id, _) | Refused(viewer_id, _, _, _):
                if viewer := self._viewers.get(viewer_id):
                    viewer.told(notice)
                return
            case Link():
                self.link = notice
            case Control():
                self.control = notice
        for viewer in tuple(self._viewers.values()):
            viewer.told(notice)

    def _introduce(self, viewer: Viewer) -> None:
        if viewer.writer:
            join = pb.ViewerJoin(
                viewer=viewer.id, writer=wire.writer_to(viewer.writer), client=viewer.client
            )
            self._outbox.put(pb.AttendUp(join=join))

    def _wish(self, viewer: Viewer, wish: "pb.ViewerControl.Wish") -> None:
        control = pb.ViewerControl(viewer=viewer.id, wish=wish)
        self._outbox.put(pb.AttendUp(control=control))
