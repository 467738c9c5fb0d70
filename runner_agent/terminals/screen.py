"""A Terminal's screen, kept by libghostty: what it shows, how to show it again, and its answers to queries."""

import re
import sys
from typing import Any

if sys.platform != "linux":
    raise ImportError(
        "Runners need Linux: pyghostty keeps the screens and is built for Linux only."
    )

from pyghostty import Terminal
from pyghostty._ffi import check, ffi, lib  # its public half has no VT output
from pyghostty.core import init_sized

SCROLLBACK = (
    10_000  # lines; what counts is the next, by which whole pages go: 3 times faster than by lines
)
SCROLLBACK_BYTES = 400_000
PARTIAL_MAX = 1 << 16  # bytes of an unfinished sequence that are kept
FOREGROUND, BACKGROUND = (0xE6, 0xE6, 0xE6), (0x16, 0x18, 0x1D)  # of our pages, told to who asks
NAME = b"mesh"  # the answer to XTVERSION
CELL = (9, 18)  # pixels, for programs that ask
_BRACKETED_PASTE = 2004
_TO_PRIMARY = b"\x1b[?1049l"
_RESET = b"\x1bc"
_END_OF_ROWS = re.compile(rb"(?:\x1b\[\d+;\d+[rs])*(?P<cursor>\x1b\[\d+;\d+H)")  # after the margins
_SCREEN_EXTRAS = ("cursor", "style", "hyperlink", "protection", "kitty_keyboard", "charsets")
_EXTRAS = ("modes", "scrolling_region", "tabstops", "pwd", "keyboard")


class Screen:
    """Feed it every byte in order; it never sees the same byte twice."""

    def __init__(self, cols: int, rows: int) -> None:
        self.size = cols, rows
        self._terminal = Terminal(cols, rows, SCROLLBACK, FOREGROUND, BACKGROUND)
        self._answers: list[bytes] = []
        self._report = ffi.new("GhosttySizeReportSize*", [rows, cols, *CELL])
        self._kept = _answer_as_ourselves(self._terminal, self._report)
        self._terminal.on_reply(self._answers.append)

    def feed(self, data: bytes) -> bytes:
        """What the terminal answers to the queries that are complete with these bytes."""
        self._terminal.feed(data)
        if not self._answers:
            return b""
        answers = b"".join(self._answers)
        self._answers.clear()
        return answers

    def resize(self, cols: int, rows: int) -> None:
        self.size = cols, rows
        self._terminal.resize(cols, rows, *CELL)
        self._report.columns, self._report.rows = cols, rows

    def show(self) -> dict[str, Any]:
        """`text cols rows cursor title bracketed_paste alternate`, as plain values."""
        cols, rows = self.size
        return {
            "text": self._terminal.text(),
            "cols": cols,
            "rows": rows,
            "cursor": list(self._terminal.cursor),
            "title": self._title(),
            "bracketed_paste": self._terminal.mode(_BRACKETED_PASTE),
            "alternate": self._is_alternate(),
        }

    def replay(self) -> bytes:
        """Escape sequences that make any terminal of this size show the same, with what is behind an
        alternate screen. `partial()` comes after it."""
        handle = self._terminal._t[0]  # noqa: SLF001
        behind = _behind(handle) if self._is_alternate() else b""
        title = self._title().encode()
        return _RESET + b"\x1b]2;" + title + b"\x1b\\" + behind + _vt(handle)

    def partial(self) -> bytes:
        """The beginning of an unfinished sequence or character at the end of what was fed."""
        handle = self._terminal._t[0]  # noqa: SLF001
        return _read(lambda *where: lib.ghostty_terminal_continuation_buf(handle, *where))

    @property
    def can_be_shown(self) -> bool:
        """False inside a sequence too long to be kept: its rest would be shown as text."""
        return bool(self._terminal.get("vt_ground", "bool")) or bool(self.partial())

    def close(self) -> None:
        self._terminal.close()

    def _title(self) -> str:
        held = self._terminal.get("title", "GhosttyString")
        raw: bytes = ffi.buffer(held.ptr, held.len)[:] if held.len else b""
        return raw.decode(errors="replace")

    def _is_alternate(self) -> bool:
        active = self._terminal.get("active_screen", "GhosttyTerminalScreen")
        return bool(active == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE)


def _answer_as_ourselves(terminal: Terminal, report: Any) -> tuple[Any, ...]:
    """Our name, our size, no images (no page shows them). What is returned must live as long as the terminal."""
    handle = terminal._t[0]  # noqa: SLF001
    name = ffi.new("char[]", NAME)
    said = ffi.new("GhosttyString*", [ffi.cast("uint8_t*", name), len(NAME)])

    def tell_size(_terminal: Any, _data: Any, out: Any) -> bool:
        out[0] = report[0]
        return True

    xtversion = ffi.callback("GhosttyTerminalXtversionFn", lambda _terminal, _data: said[0])
    size = ffi.callback("GhosttyTerminalSizeFn", tell_size)
    options = (
        (lib.GHOSTTY_TERMINAL_OPT_XTVERSION, xtversion),
        (lib.GHOSTTY_TERMINAL_OPT_SIZE, size),
        (lib.GHOSTTY_TERMINAL_OPT_KITTY_IMAGE_STORAGE_LIMIT, ffi.new("uint64_t*", 0)),
        (lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES, ffi.new("size_t*", SCROLLBACK_BYTES)),
        (lib.GHOSTTY_TERMINAL_OPT_CONTINUATION_MAX_BYTES, ffi.new("size_t*", PARTIAL_MAX)),
    )
    for option, value in options:
        check(lib.ghostty_terminal_set(handle, option, value), "terminal_set")
    return name, said, xtversion, size


def _vt(handle: Any, *, margins: bool = True) -> bytes:
    options = init_sized("GhosttyFormatterTerminalOptions")
    options.emit = lib.GHOSTTY_FORMATTER_FORMAT_VT
    options.unwrap = options.trim = False
    for extra in _EXTRAS:
        setattr(options.extra, extra, True)
    for extra in _SCREEN_EXTRAS:
        setattr(options.extra.screen, extra, True)
    formatter = ffi.new("GhosttyFormatter*")
    made = lib.ghostty_formatter_terminal_new(ffi.NULL, formatter, handle, options[0])
    check(made, "formatter_terminal_new")
    try:
        written = _read(lambda *where: lib.ghostty_formatter_format_buf(formatter[0], *where))
    finally:
        lib.ghostty_formatter_free(formatter[0])
    return _with_blank_rows(written, handle, margins=margins)


def _with_blank_rows(written: bytes, handle: Any, *, margins: bool) -> bytes:
    """The formatter leaves blank rows at the end out; below what has scrolled, all would be shown too low."""
    rows = ffi.new("size_t*")
    check(
        lib.ghostty_terminal_get(handle, lib.GHOSTTY_TERMINAL_DATA_TOTAL_ROWS, rows), "total_rows"
    )
    end = _END_OF_ROWS.search(written)
    if end is None:
        return written
    missing = rows[0] - 1 - written.count(b"\r\n")
    after = end.start() if margins else end.start("cursor")
    return written[: end.start()] + b"\r\n" * missing + written[after:]


def _behind(handle: Any) -> bytes:
    """VT of the primary screen while the alternate one is shown: a copy of the terminal leaves it."""
    encoded = _read(lambda *where: lib.ghostty_snapshot_encode_buf(handle, *where))
    decoder, copy = ffi.new("GhosttySnapshotDecoder*"), ffi.new("GhosttyTerminal*")
    data = ffi.from_buffer("uint8_t[]", encoded)
    check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, data, len(data)), "decoder_new")
    try:
        check(lib.ghostty_snapshot_decoder_decode(decoder[0], copy), "decode")
    finally:
        lib.ghostty_snapshot_decoder_free(decoder[0])
    try:
        lib.ghostty_terminal_vt_write(copy[0], _TO_PRIMARY, len(_TO_PRIMARY))
        return _vt(
            copy[0], margins=False
        )  # they hold for both screens, and would cut the alternate one
    finally:
        lib.ghostty_terminal_free(copy[0])


def _read(call: Any) -> bytes:
    """Ask for the length, then for the bytes; none if there is no value."""
    length = ffi.new("size_t*")
    call(ffi.NULL, 0, length)
    if not length[0]:
        return b""
    buffer = ffi.new("uint8_t[]", length[0])
    check(call(buffer, len(buffer), length), "read")
    return bytes(ffi.buffer(buffer, length[0]))
