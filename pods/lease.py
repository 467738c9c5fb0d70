"""The control lease of one Terminal: who may type into it now. Its holder also owns the size. Pure.

Times are seconds of any one monotonic clock.
"""

from dataclasses import dataclass, field

GRACE_S = 10.0  # a holder none of whose viewers is here may come back within this
IDLE_S = 30.0  # a program that has not typed for so long no longer keeps others out


@dataclass(frozen=True, slots=True)
class Writer:
    """One who types, however many viewers they have open. `kind` is "person", "token" or "pod"."""

    kind: str
    id: str
    name: str = field(default="", compare=False)

    @property
    def is_person(self) -> bool:
        return self.kind == "person"


@dataclass(slots=True)
class Lease:
    """`number` grows whenever the holder changes: what was begun under an older one must stop.

    `viewer` is where the holder typed last: its size counts. Empty when that was nowhere, or has gone.
    """

    holder: Writer | None = None
    viewer: str = ""
    since: float = 0.0
    number: int = 0
    _typed_at: float = 0.0
    _seen_at: float = 0.0
    _present: dict[str, Writer] = field(default_factory=dict)

    def join(self, viewer: str, writer: Writer, now: float) -> None:
        self._present[viewer] = writer
        if writer == self.holder:
            self._seen_at = now

    def leave(self, viewer: str, now: float) -> None:
        """The holder's lease outlasts its last viewer by GRACE_S."""
        writer = self._present.pop(viewer, None)
        if writer is not None and writer == self.holder:
            self._seen_at = now
        if viewer == self.viewer:
            self.viewer = ""

    def type(self, writer: Writer, viewer: str, now: float) -> bool:
        """Whether this may be typed. Typing takes a lease that nobody keeps."""
        if writer != self.holder and not self._is_free(now):
            return False
        self._hold(writer, viewer, now)
        self._typed_at = self._seen_at = now
        return True

    def take(self, writer: Writer, viewer: str, now: float) -> bool:
        """A person takes over from anybody; a program never from a person who is here."""
        kept_by_person = self.holder is not None and self.holder.is_person
        if kept_by_person and not (writer.is_person or writer == self.holder or self._is_free(now)):
            return False
        self._hold(writer, viewer, now)
        self._typed_at = self._seen_at = now
        return True

    def release(self, writer: Writer, now: float) -> bool:
        if self.holder is None or writer != self.holder:
            return False
        self._change(None, "", now)
        return True

    def may_resize(self, writer: Writer, viewer: str, now: float) -> bool:
        """The viewer the holder typed in last; anybody who may type, while nobody holds it."""
        if self._is_free(now):
            return True
        return writer == self.holder and self.viewer in {"", viewer}

    def lapse(self, now: float) -> bool:
        """Let go of a holder who has not come back; whether it was so."""
        if self.holder is None or now < self.lapses_at():
            return False
        self._change(None, "", now)
        return True

    def lapses_at(self) -> float:
        """When the lease falls if nobody of the holder comes back; infinite while one is here."""
        if self.holder is None or self.holder in self._present.values():
            return float("inf")
        return self._seen_at + GRACE_S

    def _is_free(self, now: float) -> bool:
        if self.holder is None or now >= self.lapses_at():
            return True
        return not self.holder.is_person and now >= self._typed_at + IDLE_S

    def _hold(self, writer: Writer, viewer: str, now: float) -> None:
        if writer != self.holder:
            self._change(writer, viewer, now)
        elif viewer:
            self.viewer = viewer

    def _change(self, holder: Writer | None, viewer: str, now: float) -> None:
        self.holder, self.viewer, self.since = holder, viewer, now
        self.number += 1
