"""Keys by name, and pastes."""

import pytest

from pods.terminals import keyboard

KEYS = {
    "enter": b"\r",
    "Enter": b"\r",
    "esc": b"\x1b",
    "tab": b"\t",
    "up": b"\x1b[A",
    "pagedown": b"\x1b[6~",
    "shift+tab": b"\x1b[Z",
    "ctrl+c": b"\x03",
    "ctrl+[": b"\x1b",
    "alt+x": b"\x1bx",
    "alt+enter": b"\x1b\r",
    "y": b"y",
    "Y": b"Y",
    "é": "é".encode(),
}


@pytest.mark.parametrize(("name", "data"), KEYS.items())
def test_a_key_by_its_name(name: str, data: bytes) -> None:
    assert keyboard.key(name) == data


@pytest.mark.parametrize("name", ["", "entr", "ctrl+", "ctrl+é", "alt+", "\x03", "hyper+x"])
def test_a_key_nobody_knows(name: str) -> None:
    with pytest.raises(keyboard.UnknownKeyError):
        keyboard.key(name)


def test_lines_end_as_enter_ends_them() -> None:
    assert keyboard.text("a\nb\r\nc", paste=False) == b"a\rb\rc"


def test_a_paste_is_marked_and_cannot_end_itself() -> None:
    marked = keyboard.text("rm\x1b[201~\nx", paste=True)
    assert marked == b"\x1b[200~rm\rx\x1b[201~"
