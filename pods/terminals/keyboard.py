"""Keys by name, and text as a terminal would send it. Pure."""

from collections.abc import Sequence

_KEYS = {
    "enter": b"\r",
    "escape": b"\x1b",
    "esc": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "insert": b"\x1b[2~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "f1": b"\x1bOP",
    "f2": b"\x1bOQ",
    "f3": b"\x1bOR",
    "f4": b"\x1bOS",
    "f5": b"\x1b[15~",
    "f6": b"\x1b[17~",
    "f7": b"\x1b[18~",
    "f8": b"\x1b[19~",
    "f9": b"\x1b[20~",
    "f10": b"\x1b[21~",
    "f11": b"\x1b[23~",
    "f12": b"\x1b[24~",
}
_CONTROLS = {f"ctrl+{chr(code).lower()}": bytes([code & 0x1F]) for code in range(ord("@"), 0x60)}

PASTE_START, PASTE_END = b"\x1b[200~", b"\x1b[201~"


class UnknownKeyError(Exception):
    """The message is the key's name as it was given."""


def key(name: str) -> bytes:
    """One key, such as "enter", "ctrl+c", "alt+x" or a single character. Raises UnknownKeyError."""
    wanted = name.lower()
    if known := _KEYS.get(wanted) or _CONTROLS.get(wanted):
        return known
    if len(name) == 1 and name.isprintable():
        return name.encode()
    prefix, _, rest = name.partition("+")
    if prefix.lower() == "alt" and rest:
        return b"\x1b" + key(rest)
    raise UnknownKeyError(name)


def keys(names: Sequence[str]) -> bytes:
    return b"".join(key(name) for name in names)


def text(typed: str, *, paste: bool) -> bytes:
    """Line ends as Enter sends them. `paste`: the program has asked for pastes to be marked."""
    data = typed.replace("\r\n", "\n").replace("\n", "\r").encode()
    if not paste:
        return data
    # What is pasted cannot end the paste.
    return PASTE_START + data.replace(PASTE_END, b"") + PASTE_END
