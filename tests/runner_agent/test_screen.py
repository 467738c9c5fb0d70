"""A screen shows what was written, can be shown again, and knows where it is."""

import pytest

from runner_agent.terminals.screen import PARTIAL_MAX, Screen

VIM = b"$ vim\r\n\x1b[?2004h\x1b[?1049h\x1b[2J\x1b[H\x1b[7m file \x1b[0m\r\n~\r\n~\x1b[1;3r"


def fed(*parts: bytes, cols: int = 40, rows: int = 6) -> Screen:
    screen = Screen(cols, rows)
    for part in parts:
        screen.feed(part)
    return screen


def test_it_says_what_a_terminal_shows() -> None:
    shown = fed(b"one\r\n\x1b[31mtwo\x1b[0m\x1b]2;the title\x07\x1b[?2004h").show()
    assert shown == {
        "text": "one\ntwo",
        "cols": 40,
        "rows": 6,
        "cursor": [3, 1],
        "title": "the title",
        "bracketed_paste": True,
        "alternate": False,
    }


def test_it_is_not_mixed_up_by_how_the_bytes_are_cut() -> None:
    data = VIM + "größe 你好 👩‍👩‍👧".encode() + b"\x1b]2;t\x1b\\\x1b[3;5H."
    whole, cut = fed(data), fed(*(data[at : at + 1] for at in range(len(data))))
    assert whole.show() == cut.show()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"one\r\ntwo",
        b"\x1b[31;1mred\x1b[0m \x1b[48;2;1;2;3mtrue\x1b[0m",
        b"x" * 100 + b"\r\n" + b"scrolled\r\n" * 50,
        VIM,
        VIM + b"\x1b[?1049l after",
        "你好 größe\r\n".encode() * 9,
        b"\x1b[?25l\x1b[5;9Hthere\x1b]2;a title\x07",
    ],
)
def test_a_replay_shows_the_same(data: bytes) -> None:
    screen = fed(data)
    again = fed(screen.replay())
    assert again.show() == screen.show()
    leave = b"\x1b[?1049l" if screen.show()["alternate"] else b""
    more = leave + b"\r\nand more\x1b[6n"
    assert again.feed(more) == screen.feed(more)
    assert again.show() == screen.show()


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_replay_with_its_partial_goes_on_in_the_middle_of_a_sequence(cut: int) -> None:
    data = "ä\x1b[31;44mred\x1b]2;title\x1b\\你\x1bP$qm\x1b\\end".encode()
    screen = fed(data[:cut])
    again = fed(screen.replay(), screen.partial())
    screen.feed(data[cut:])
    again.feed(data[cut:])
    assert again.show() == screen.show()


def test_a_sequence_too_long_to_keep_is_known_as_such() -> None:
    screen = fed(b"\x1b]52;c;" + b"x" * 100)
    assert screen.can_be_shown
    screen.feed(b"x" * PARTIAL_MAX)
    assert not screen.can_be_shown
    screen.feed(b"\x07")
    assert screen.can_be_shown
    assert screen.show()["text"] == ""


def test_it_can_be_resized() -> None:
    screen = fed(b"a long line that wraps somewhere", cols=20)
    screen.resize(80, 3)
    assert screen.size == (80, 3)
    assert screen.show()["text"] == "a long line that wraps somewhere"
    assert screen.feed(b"\x1b[18t") == b"\x1b[8;3;80t"


def test_pictures_are_not_promised() -> None:
    assert fed().feed(b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\") == b""


def test_a_flood_is_fed_fast() -> None:
    import time

    screen, line = Screen(120, 40), b"some line of plain text as a compiler writes it\r\n"
    began = time.process_time()
    for _ in range(64):
        screen.feed(line * 1300)
    megabytes = 64 * 1300 * len(line) / 1e6
    assert megabytes / (time.process_time() - began) > 50  # 300 to 500 on a quiet machine
