"""What passes between the parts that carry a Terminal. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from pods.lease import Writer

# ---- What a Terminal shows, in order. Offsets are absolute.


class Chunk(NamedTuple):
    offset: int  # of the first byte
    data: bytes


@dataclass(frozen=True, slots=True)
class Screen:
    """A VT replay; the Terminal goes on with the bytes from `offset`."""

    offset: int
    cols: int
    rows: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes [start, to) are kept no longer."""

    start: int
    to: int


@dataclass(frozen=True, slots=True)
class Size:
    offset: int
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class End:
    """Negative `exit_code`: ended by that signal."""

    offset: int
    exit_code: int


Shown = Chunk | Screen | Gap | Size | End

# ---- What a Runner is asked


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """`offset` None: start with a Screen."""

    feed: int
    pod: str
    offset: int | None


@dataclass(frozen=True, slots=True)
class FeedAck:
    feed: int
    offset: int


@dataclass(frozen=True, slots=True)
class CloseFeed:
    feed: int


@dataclass(frozen=True, slots=True)
class Input:
    pod: str
    data: bytes
    writer: str
    position: int


@dataclass(frozen=True, slots=True)
class Resize:
    pod: str
    cols: int
    rows: int


Request = OpenFeed | FeedAck | CloseFeed | Input | Resize

# ---- What those who attend to a Terminal are told


@dataclass(frozen=True, slots=True)
class Taken:
    """The PTY took every byte of this viewer below `position`; lower than before: send again from here."""

    viewer: str
    position: int


@dataclass(frozen=True, slots=True)
class Refused:
    """`what` is "input", "resize" or "control"; `position` that of the refused input."""

    viewer: str
    what: str
    reason: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    holder: Writer | None = None
    viewer: str = ""
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """Whether the Pod is attached end to end; if not, why. `number` grows with each change."""

    connected: bool
    reason: str = ""
    number: int = 0


Notice = Taken | Refused | Control | Link
