"""The text in the prompt box."""

from runner_agent.demo.keys import Key
from runner_agent.demo.text import cells, fold


class Editor:
    def __init__(self) -> None:
        self.text = ""
        self._cursor = 0
        self._earlier: list[str] = []
        self._recalled = 0  # how far back in `_earlier`; 0: the text being written
        self._moves = {
            "left": lambda: max(self._cursor - 1, 0),
            "right": lambda: min(self._cursor + 1, len(self.text)),
            "home": lambda: self.text.rfind("\n", 0, self._cursor) + 1,
            "end": self._end_of_line,
        }

    def key(self, key: Key) -> None:
        if key.name in ("text", "paste"):
            self._insert("".join(c for c in key.text if c == "\n" or c.isprintable() or c == "\t"))
        elif key.name == "newline":
            self._insert("\n")
        elif key.name in self._moves:
            self._cursor = self._moves[key.name]()
        elif key.name in ("up", "down"):
            self._recall(1 if key.name == "up" else -1)
        else:
            self._delete(key.name)

    def take(self) -> str:
        """What was written; the box is empty then."""
        text = self.text
        if text.strip():
            self._earlier.append(text)
        self.clear()
        return text

    def clear(self) -> None:
        self.text, self._cursor, self._recalled = "", 0, 0

    def lines(self, width: int) -> tuple[list[str], int, int]:
        """As shown in `width` columns, with the row and column of the cursor."""
        shown: list[str] = []
        row = column = 0
        start = 0
        for line in self.text.split("\n"):
            if start <= self._cursor <= start + len(line):
                before = fold(line[: self._cursor - start], width)
                row, column = len(shown) + len(before) - 1, cells(before[-1])
            shown += fold(line, width)
            start += len(line) + 1
        if column >= width:
            row, column = row + 1, 0
            shown[row:row] = [""] if row >= len(shown) else []
        return shown, row, column

    def _insert(self, text: str) -> None:
        text = text.replace("\t", "    ")
        self.text = self.text[: self._cursor] + text + self.text[self._cursor :]
        self._cursor += len(text)

    def _end_of_line(self) -> int:
        end = self.text.find("\n", self._cursor)
        return len(self.text) if end < 0 else end

    def _delete(self, name: str) -> None:
        start = end = self._cursor
        match name:
            case "backspace":
                start = max(start - 1, 0)
            case "delete":
                end = min(end + 1, len(self.text))
            case "ctrl+u":
                start = self._moves["home"]()
            case "ctrl+k":
                end = self._end_of_line()
            case "ctrl+w":
                start = len(self.text[:start].rstrip().rpartition(" ")[0])
        self.text = self.text[:start] + self.text[end:]
        self._cursor = start

    def _recall(self, step: int) -> None:
        """Earlier prompts, as in a shell; within several lines the cursor moves instead."""
        rows = self.text.split("\n")
        at = self.text.count("\n", 0, self._cursor)
        if 0 <= at - step < len(rows) and len(rows) > 1:
            column = self._cursor - (self.text.rfind("\n", 0, self._cursor) + 1)
            target = at - step
            start = sum(len(row) + 1 for row in rows[:target])
            self._cursor = start + min(column, len(rows[target]))
            return
        back = self._recalled + step
        if 0 <= back <= len(self._earlier):
            self._recalled = back
            self.text = self._earlier[-back] if back else ""
            self._cursor = len(self.text)
