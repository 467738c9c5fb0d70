"""Text in the cells of a terminal: widths, wrapping, colours."""

import re
import unicodedata
from enum import StrEnum

_STYLED = re.compile(r"\x1b\[[0-9;]*m")


class Style(StrEnum):
    ACCENT = "38;5;141"
    DIM = "2"
    BOLD = "1"
    GOOD = "32"
    BAD = "31"


def styled(text: str, style: Style) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if text else ""


def cells(text: str) -> int:
    """Columns the text takes; styles take none."""
    return sum(_cells_of(character) for character in _STYLED.sub("", text))


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fold(text: str, width: int) -> list[str]:
    """Cut into pieces of at most `width` cells, wherever that falls. At least one piece."""
    pieces, piece, taken = [], "", 0
    for character in text:
        size = _cells_of(character)
        if taken + size > width:
            pieces.append(piece)
            piece, taken = "", 0
        piece, taken = piece + character, taken + size
    return [*pieces, piece]


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Plain text in lines of at most `width` cells, broken between words, later lines indented."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if cells(longer) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            *full, rest = fold(word, max(width - len(indent), 1))
            lines += [indent + piece for piece in full]
            line = indent + rest if lines else rest
        lines.append(line)
    return lines


def clip(text: str, width: int) -> str:
    """Plain text in one line, with an ellipsis where it was cut."""
    text = text.replace("\n", " ")
    return text if cells(text) <= width else fold(text, max(width - 1, 1))[0] + "…"
