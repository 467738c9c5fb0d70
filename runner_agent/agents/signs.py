"""What a program tells its terminal beside the screen: titles, notices, semantic prompts, the bell. Pure."""

import re

TITLES = {b"0", b"2"}
NOTICES = {b"9", b"99", b"133", b"777", b"7501"}
HELD_MAX = 1024  # bytes of an unfinished sequence that are waited for
SIGNS_MAX = 16  # of one piece of output, the last ones: a flood of them is not worth more

_START = b"\x1b]"
# 0x9c, which may end a sequence too, is a part of "✳" in UTF-8
_SIGN = re.compile(rb"\x1b\]([0-9]{1,4})(?:;([^\x07\x1b]{0,1000}))?(?:\x07|\x1b\\)")

Sign = tuple[str, str]
"""Kind and text: ("title", "✳ Claude Code"), ("osc", "9;done"), ("osc", "bell")."""


class Signs:
    """Feed it output in order. Output without such a sequence costs one search for two bytes."""

    def __init__(self, *, bell: bool = False) -> None:
        self._bell = bell
        self._held = b""

    def feed(self, data: bytes) -> list[Sign]:
        if self._held:
            data, self._held = self._held + data, b""
        if _START not in data:
            self._held = b"\x1b" if data.endswith(b"\x1b") else b""
            return [("osc", "bell")] if self._bell and b"\x07" in data else []
        self._hold_unfinished(data)
        found = [sign for each in _last(data) if (sign := _sign(each))]
        if self._bell and b"\x07" in _SIGN.sub(b"", data):
            found.append(("osc", "bell"))
        return found

    def _hold_unfinished(self, data: bytes) -> None:
        at = data.rfind(_START)
        tail = data[at:]
        if len(tail) <= HELD_MAX and _SIGN.match(tail) is None and not _is_over(tail):
            self._held = tail
        elif data.endswith(b"\x1b"):
            self._held = b"\x1b"


def _is_over(tail: bytes) -> bool:
    """It ended, and is none of those that are of interest."""
    return any(end in tail for end in (b"\x07", b"\x1b\\"))


def _last(data: bytes) -> list[re.Match[bytes]]:
    found: list[re.Match[bytes]] = []
    end = len(data)
    while end > 0 and len(found) < SIGNS_MAX:
        at = data.rfind(_START, 0, end)
        if at < 0:
            break
        if sign := _SIGN.match(data, at):
            found.append(sign)
        end = at
    return found[::-1]


def _sign(found: re.Match[bytes]) -> Sign | None:
    code, said = found[1], (found[2] or b"").decode(errors="replace")
    if code in TITLES:
        return "title", said
    if code in NOTICES:
        return "osc", f"{code.decode()};{said}"
    return None
