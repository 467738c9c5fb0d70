"""What a person types, from bytes to keys."""

import codecs
import re
from dataclasses import dataclass

_PASTE, _PASTED = "\x1b[200~", "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Za-z]|[^\[O])", re.DOTALL)
_OPEN = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*|O)?\Z")
_NAMES = {
    "\r": "enter",
    "\n": "newline",
    "\x1b\r": "newline",
    "\x1b\n": "newline",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "ctrl+c",
    "\x04": "ctrl+d",
    "\x01": "home",
    "\x05": "end",
    "\x02": "left",
    "\x06": "right",
    "\x10": "up",
    "\x0e": "down",
    "\x15": "ctrl+u",
    "\x0b": "ctrl+k",
    "\x17": "ctrl+w",
    "\x0c": "ctrl+l",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1b[1~": "home",
    "\x1b[4~": "end",
    "\x1b[3~": "delete",
}


@dataclass(frozen=True, slots=True)
class Key:
    """`name` is "text" or "paste", which come with `text`, or the name of a key."""

    name: str
    text: str = ""


class Keys:
    """A key that is not whole yet waits for the rest of its bytes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    @property
    def has_escape(self) -> bool:
        """An Esc that may be the start of something longer."""
        return self._held.startswith("\x1b") and not self._held.startswith(_PASTE)

    def feed(self, data: bytes) -> list[Key]:
        self._held += self._decoder.decode(data)
        taken = []
        while (key := self._take()) is not None:
            taken.append(key)
        return taken

    def escape(self) -> list[Key]:
        """Nothing followed the Esc: it was that key."""
        self._held = self._held[1:]
        return [Key("escape"), *self.feed(b"")]

    def _take(self) -> Key | None:
        held = self._held
        if not held:
            return None
        if held.startswith(_PASTE):
            return self._take_paste()
        if held[0] == "\x1b":
            if _OPEN.match(held):
                return None
            found = _SEQUENCE.match(held)
            return self._cut(found.end() if found else 1)
        if held[0] < " " or held[0] == "\x7f":
            return self._cut(1)
        plain = re.match(r"[^\x00-\x1f\x7f]+", held)
        self._held = held[plain.end() :] if plain else ""
        return Key("text", plain[0] if plain else "")

    def _take_paste(self) -> Key | None:
        text, end, rest = self._held[len(_PASTE) :].partition(_PASTED)
        if not end:
            return None
        self._held = rest
        return Key("paste", text.replace("\r\n", "\n").replace("\r", "\n"))

    def _cut(self, length: int) -> Key:
        sequence, self._held = self._held[:length], self._held[length:]
        return Key(_NAMES.get(sequence, "unknown"))
