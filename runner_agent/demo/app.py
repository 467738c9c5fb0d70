"""The demo's loop: keys, the turn under way, and the clock."""

import errno
import os
import select
import signal
import time
from collections.abc import Iterator
from types import FrameType

from runner_agent.demo.editor import Editor
from runner_agent.demo.folder import Folder
from runner_agent.demo.keys import Key, Keys
from runner_agent.demo.step import Step
from runner_agent.demo.team import Team
from runner_agent.demo.text import Style, cells, clip, styled, wrap
from runner_agent.demo.turn import HELP, turn
from runner_agent.demo.view import View

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
HEADER = 44  # columns: a phone has some 50, and what was written is not drawn anew for it
_FRAME_S = 0.1
_WORD_S = 0.03
_ESCAPE_S = 0.05  # an Esc alone is that key after this long
_ENDS = frozenset({signal.SIGHUP, signal.SIGTERM})
_TWICE_S = 2.0  # within which a second Ctrl-C leaves
_MARKS = {"did": "●", "bad": "✗", "plus": " ", "say": " ", "quote": "│"}
_STYLES = {"did": Style.GOOD, "bad": Style.BAD, "plus": Style.GOOD, "quote": Style.DIM}
_BEFORE = {"plus": "  + "}


class App:
    def __init__(self, fd: int, folder: Folder, name: str, speed: float) -> None:
        """`speed` stretches every pause; 0: none."""
        self._fd, self._folder, self._name, self._speed = fd, folder, name, speed
        self._team = Team(folder, name)
        self._view, self._keys, self._editor = View(fd), Keys(), Editor()
        self._transcript: list[str] = []  # not shown yet
        self._turn: Iterator[Step] | None = None
        self._waiting: list[str] = []  # prompts given while it works
        self._busy, self._busy_since, self._next_at = "", 0.0, 0.0
        self._unsaid: list[str] = []  # words of the paragraph being said
        self._saying = ""
        self._notice, self._notice_until = "", 0.0
        self._left: int | None = None  # the exit code, once it is to end

    def run(self) -> int:
        """Until the person leaves, or is gone; the exit code."""
        wakes = _wake_on(signal.SIGWINCH, *_ENDS)
        self._view.start()
        self._header()
        self._set_title()
        try:
            while self._left is None:
                self._advance(time.monotonic())
                self._draw()
                self._listen(wakes)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return 128 + signal.SIGHUP  # the terminal is gone
        self._view.stop()
        return self._left

    # ---- keys

    def _listen(self, wakes: int) -> None:
        timeout = self._timeout(time.monotonic())
        ready, _, _ = select.select([self._fd, wakes], [], [], timeout)
        if wakes in ready:
            self._heed(os.read(wakes, 256))
        keys: list[Key] = []
        if self._fd in ready:
            data = os.read(self._fd, 65536)
            keys = self._keys.feed(data)
            if not data:
                self._left = 0
        elif self._keys.has_escape:
            keys = self._keys.escape()
        for key in keys:
            self._key(key)

    def _heed(self, signals: bytes) -> None:
        self._view.measure()
        for signo in set(signals) & _ENDS:
            self._left = 128 + signo

    def _timeout(self, now: float) -> float | None:
        if self._keys.has_escape:
            return _ESCAPE_S
        times = [self._next_at] if self._turn else []
        times += [now + _FRAME_S] if self._turn else []
        times += [self._notice_until] if self._notice else []
        return max(0.0, min(times) - now) if times else None

    def _key(self, key: Key) -> None:
        match key.name:
            case "enter":
                self._submit()
            case "ctrl+c" | "escape":
                self._interrupt(key.name)
            case "ctrl+d" if not self._editor.text:
                self._left = 0
            case "ctrl+l":
                self._view.wipe()
            case _:
                self._editor.key(key)

    def _interrupt(self, name: str) -> None:
        if self._turn:
            self._turn = None
            self._finish_saying()
            self._waiting.clear()
            self._print("✗", "Interrupted. What should I do instead?", Style.BAD)
            self._set_title()
        elif self._editor.text:
            self._editor.clear()
        elif name == "ctrl+c" and self._notice:
            self._left = 0
        elif name == "ctrl+c":
            self._notice = "Press Ctrl-C again to leave"
            self._notice_until = time.monotonic() + _TWICE_S

    def _submit(self) -> None:
        wish = self._editor.take().strip()
        if self._turn and wish:
            self._waiting.append(wish)
        elif wish:
            self._begin(wish)

    # ---- the turn

    def _begin(self, wish: str) -> None:
        self._print(">", wish, Style.DIM)
        match wish.split(maxsplit=1)[0]:
            case "/exit" | "/quit":
                self._left = 0
            case "/help":
                self._print(" ", HELP)
            case word if word.startswith("/"):
                self._print("✗", f"I do not know {word}. There are /help and /exit.", Style.BAD)
            case _:
                self._turn = turn(wish, self._folder, self._team)
                self._next_at = self._busy_since = time.monotonic()
                self._set_title()

    def _advance(self, now: float) -> None:
        """Take the steps that are due."""
        if self._notice and now >= self._notice_until:
            self._notice = ""
        while self._turn and now >= self._next_at:
            if self._unsaid:
                self._saying += self._unsaid.pop(0)
                self._next_at = now + _WORD_S * self._speed
                if not self._unsaid:
                    self._finish_saying()
            else:
                self._step(next(self._turn, None), now)

    def _step(self, step: Step | None, now: float) -> None:
        if step is None:
            self._turn = None
            self._set_title()
            self._view.bell()
            if self._waiting:
                self._begin(self._waiting.pop(0))
            return
        self._next_at = now + (_FRAME_S if step.kind == "wait" else step.seconds * self._speed)
        if step.kind == "busy":
            self._busy = step.text
        elif step.kind == "say":
            self._unsaid = [f"{word} " for word in step.text.split(" ")]
        elif step.kind != "wait":
            text = f"{_BEFORE.get(step.kind, '')}{step.text}"
            self._print(_MARKS[step.kind], text, _STYLES[step.kind])

    def _finish_saying(self) -> None:
        if self._saying:
            self._print(_MARKS["say"], self._saying.rstrip())
        self._saying, self._unsaid = "", []

    # ---- the screen

    def _header(self) -> None:
        width = min(self._view.width - 1, HEADER)
        place = self._folder.branch() or "an empty directory, without git"
        if not self._folder.has_git() and self._folder.survey().files:
            place = "a directory without git"
        rule = styled("─" * (width - 2), Style.ACCENT)
        self._transcript += [
            styled("╭", Style.ACCENT) + rule + styled("╮", Style.ACCENT),
            _boxed(f"✻ Mesh demo   {self._name}", width, Style.BOLD),
            _boxed(f"  {place}", width, Style.DIM),
            styled("╰", Style.ACCENT) + rule + styled("╯", Style.ACCENT),
            "",
            *wrap("Tell me what to write; /help says what I can do.", self._view.width - 1),
            "",
        ]

    def _print(self, mark: str, text: str, style: Style | None = None) -> None:
        lines = [
            line
            for one in text.split("\n")
            for line in wrap(one, self._view.width - 3, _indent(one))
        ]
        first = styled(mark, style) if style else mark
        body = [styled(line, style) if mark in "> │" and style else line for line in lines]
        self._transcript += [f"{first} {body[0]}", *(f"  {line}" for line in body[1:])]
        self._transcript += [] if mark in "●│" or style is Style.GOOD else [""]

    def _draw(self) -> None:
        width = self._view.width - 1
        block = [f"  {line}" for line in wrap(self._saying, width - 2)] if self._saying else []
        block += self._status(width)
        inside = width - 6
        lines, row, column = self._editor.lines(inside)
        box = Style.DIM if self._turn else Style.ACCENT
        block.append(styled("╭" + "─" * (width - 2) + "╮", box))
        cursor = len(block) + row, column + 4
        for number, line in enumerate(lines):
            mark = styled(">", Style.ACCENT) if number == 0 else " "
            block.append(styled("│", box) + f" {mark} {_padded(line, inside)} " + styled("│", box))
        block.append(styled("╰" + "─" * (width - 2) + "╯", box))
        block.append(styled(clip(f"  {self._hint()}", width), Style.DIM))
        self._view.show(self._transcript, block, cursor)
        self._transcript = []

    def _status(self, width: int) -> list[str]:
        if not self._turn:
            return []
        seconds = time.monotonic() - self._busy_since
        mark = _SPINNER[int(seconds / _FRAME_S) % len(_SPINNER)]
        said = clip(f"{self._busy or 'Working'}… ({seconds:.0f} s · Esc stops)", width - 2)
        queued = [clip(f"  next: {wish}", width) for wish in self._waiting]
        return [f"{styled(mark, Style.ACCENT)} {said}", *(styled(q, Style.DIM) for q in queued)]

    def _hint(self) -> str:
        return self._notice or "⏎ send   Alt+⏎ new line   /help"

    def _set_title(self) -> None:
        self._view.title(f"{'⠂ working' if self._turn else '✳ ready'} · {self._name}")


def _boxed(text: str, width: int, style: Style) -> str:
    side = styled("│", Style.ACCENT)
    return f"{side} {styled(_padded(clip(text, width - 4), width - 4), style)} {side}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _indent(line: str) -> str:
    return " " * (len(line) - len(line.lstrip()))


def _wake_on(*signals: int) -> int:
    """A descriptor that is readable after one of these signals, with their numbers as bytes."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for signo in signals:
        signal.signal(signo, _nothing)
    return read


def _nothing(_signo: int, _frame: FrameType | None) -> None:
    """A handler must exist, or the signal would not reach the descriptor."""
