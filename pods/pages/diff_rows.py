"""A file's patch as rows to be shown: one under the other, or old and new side by side. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)")
_OLD, _NEW = "old", "new"


@dataclass(frozen=True, slots=True)
class Side:
    """One line as it was, or is. `number` 0: there is none."""

    kind: str = ""  # "add", "del"; empty for context
    number: int = 0
    text: str = ""
    side: str = _NEW


NOTHING = Side("none")


@dataclass(frozen=True, slots=True)
class Row:
    """Left and right. One under the other, only one of them is more than a number."""

    left: Side
    right: Side

    @property
    def line(self) -> Side:
        """What a row says when the lines stand one under the other."""
        return self.left if self.left.kind == "del" else self.right


@dataclass(slots=True)
class Hunk:
    title: str
    lines: list[Side] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)  # numbers, old and new, per line

    @property
    def unified(self) -> list[Row]:
        return [
            Row(line, NOTHING) if line.kind == "del" else Row(Side("", old), line)
            for line, (old, _) in zip(self.lines, self.pairs, strict=True)
        ]

    @property
    def split(self) -> list[Row]:
        """Removed lines beside those that took their place."""
        return list(_beside(zip(self.lines, self.pairs, strict=True)))


def hunks(patch: str) -> list[Hunk]:
    found: list[Hunk] = []
    old = new = 0
    for text in patch.split("\n"):
        if head := _HUNK.match(text):
            old, new = int(head[1]), int(head[2])
            found.append(Hunk(head[3]))
        elif found and text[:1] in {"+", "-", " "}:
            kind = {"+": "add", "-": "del"}.get(text[0], "")
            side = Side(
                kind, old if kind == "del" else new, text[1:], _OLD if kind == "del" else _NEW
            )
            found[-1].lines.append(side)
            found[-1].pairs.append((0 if kind == "add" else old, 0 if kind == "del" else new))
            old += kind != "add"
            new += kind != "del"
    return found


def notes(patch: str) -> list[str]:
    """What a patch says before its first line: a new mode, a rename."""
    words = ("old mode", "new mode", "similarity index", "rename from", "rename to")
    head = patch.split("\n@@", 1)[0]
    return [line for line in head.split("\n") if line.startswith(words)]


def _beside(lines: Iterable[tuple[Side, tuple[int, int]]]) -> Iterator[Row]:
    gone: list[Side] = []
    come: list[Side] = []
    for line, (old, _) in lines:
        if line.kind == "del" and not come:
            gone.append(line)
        elif line.kind == "add":
            come.append(line)
        else:
            yield from _matched(gone, come)
            gone, come = ([line], []) if line.kind == "del" else ([], [])
            if not line.kind:
                yield Row(Side("", old, line.text, _OLD), line)
    yield from _matched(gone, come)


def _matched(gone: list[Side], come: list[Side]) -> Iterator[Row]:
    for number in range(max(len(gone), len(come))):
        left = gone[number] if number < len(gone) else NOTHING
        right = come[number] if number < len(come) else NOTHING
        yield Row(left, right)
