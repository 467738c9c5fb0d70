"""The frames of a terminal's websocket. Pure: what a client may say, and how it is told."""

import json
import re
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from pods.terminals.messages import Chunk, Control, End, Gap, Refused, Screen, Shown, Size

INPUT_MAX = 1024 * 1024  # bytes of one frame of typing
TEXT_MAX = 1024  # characters of one frame of text
SIDE_MAX = 1000  # columns or rows

_POSITION = struct.Struct(">Q")
_COUNT = re.compile(r"[0-9]{1,18}")
_CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}")


class MalformedError(Exception):
    """`code` closes the websocket; the message is the reason, at most 123 bytes."""

    def __init__(self, reason: str, code: int = 4400) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


# ---- How a client asks for a Terminal


@dataclass(frozen=True, slots=True)
class Wishes:
    """`offset` None: begin with a screen. `client` empty: typing is raw and taken at most once."""

    offset: int | None = None
    writes: bool = True
    client: str = ""


def parse_query(query: bytes) -> Wishes:
    """Raises MalformedError."""
    fields = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    offset, mode, client = fields.get("offset"), fields.get("mode", "write"), fields.get("client")
    if offset is not None and not _COUNT.fullmatch(offset):
        raise MalformedError("offset must be a whole number of bytes.")
    if mode not in {"read", "write"}:
        raise MalformedError("mode must be read or write.")
    if client is not None and not _CLIENT.fullmatch(client):
        raise MalformedError("client must be 1 to 64 letters, digits, dots, dashes or underscores.")
    return Wishes(None if offset is None else int(offset), mode == "write", client or "")


# ---- What a client says


@dataclass(frozen=True, slots=True)
class Typing:
    """`position` of the first byte in the client's own input; None: raw."""

    data: bytes
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Acked:
    offset: int


@dataclass(frozen=True, slots=True)
class Resized:
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class Wish:
    """`control` is "take" or "release"."""

    control: str


Said = Typing | Acked | Resized | Wish


def parse_binary(data: bytes, *, numbered: bool) -> Typing:
    """Raises MalformedError."""
    if len(data) > INPUT_MAX + _POSITION.size:
        raise MalformedError("A frame of input may hold 1 MiB.", 1009)
    if not numbered:
        return Typing(data)
    if len(data) < _POSITION.size:
        raise MalformedError("With client=, a binary frame starts with 8 bytes: its position.")
    (position,) = _POSITION.unpack_from(data)
    if position >= 1 << 62:
        raise MalformedError("The position of a binary frame is out of range.")
    return Typing(data[_POSITION.size :], position)


def parse_text(text: str) -> Said:
    """Raises MalformedError."""
    if len(text) > TEXT_MAX:
        raise MalformedError("A text frame may hold 1024 characters.", 1009)
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("A text frame must be JSON.") from None
    match frame:
        case {"ack": int(offset)} if _is_count(offset, 1 << 62):
            return Acked(offset)
        case {"resize": [int(cols), int(rows)]} if _is_side(cols) and _is_side(rows):
            return Resized(cols, rows)
        case {"control": "take" | "release" as wish}:
            return Wish(wish)
    raise MalformedError('A text frame is {"ack": N}, {"resize": [cols, rows]} or {"control": …}.')


def _is_count(number: int, beyond: int) -> bool:
    return not isinstance(number, bool) and 0 <= number < beyond


def _is_side(number: int) -> bool:
    return _is_count(number, SIDE_MAX + 1) and number > 0


# ---- What a client is told


def binary(chunk: Chunk) -> bytes:
    return _POSITION.pack(chunk.offset) + chunk.data


def shown_text(shown: Shown) -> dict[str, Any] | None:
    """The text frame for what is shown; None for bytes, and for an end, which the Pod's state tells."""
    match shown:
        case Screen(offset, cols, rows, data):
            text = data.decode("utf-8", "replace")
            return {"type": "screen", "offset": offset, "cols": cols, "rows": rows, "data": text}
        case Gap(start, to):
            return {"type": "gap", "from": start, "to": to}
        case Size(offset, cols, rows):
            return {"type": "size", "offset": offset, "cols": cols, "rows": rows}
        case Chunk() | End():
            return None


def taken_text(position: int) -> dict[str, Any]:
    return {"type": "taken", "position": position}


def refused_text(refused: Refused, *, numbered: bool) -> dict[str, Any]:
    """`position` is where a client that numbers its input goes on."""
    frame: dict[str, Any] = {"type": "refused", "reason": refused.reason, "what": refused.what}
    if numbered and refused.what == "input":
        frame["position"] = refused.position
    return frame


def control_text(control: Control, *, you: bool) -> dict[str, Any]:
    holder = control.holder and {"kind": control.holder.kind, "name": control.holder.name}
    since = control.since_ms if holder else None
    return {"type": "control", "holder": holder, "you": you, "since": since}
