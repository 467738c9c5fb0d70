"""What a websocket client may say, and how it is told."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pods.lease import Writer
from pods.terminals import frames
from pods.terminals.frames import Acked, MalformedError, Resized, Typing, Wish, Wishes
from pods.terminals.messages import Chunk, Control, Gap, Refused, Screen, Size


@pytest.mark.parametrize(
    ("query", "wishes"),
    [
        (b"", Wishes()),
        (b"offset=0", Wishes(offset=0)),
        (b"offset=12&mode=read", Wishes(offset=12, writes=False)),
        (b"mode=write&client=tab-1.a_B", Wishes(client="tab-1.a_B")),
        (b"unknown=1", Wishes()),
    ],
)
def test_a_query_says_what_is_wanted(query: bytes, wishes: Wishes) -> None:
    assert frames.parse_query(query) == wishes


@pytest.mark.parametrize(
    "query",
    [
        b"offset=-1",
        b"offset=x",
        b"offset=1e3",
        b"offset=" + b"9" * 30,
        "offset=٣".encode(),
        b"mode=own",
        b"client=a%20b",
        b"client=" + b"a" * 65,
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: bytes) -> None:
    with pytest.raises(MalformedError):
        frames.parse_query(query)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"ack": 0}', Acked(0)),
        ('{"ack": 123456789012}', Acked(123456789012)),
        ('{"resize": [120, 40]}', Resized(120, 40)),
        ('{"control": "take"}', Wish("take")),
        ('{"control": "release"}', Wish("release")),
    ],
)
def test_text_frames_are_understood(text: str, said: object) -> None:
    assert frames.parse_text(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "null",
        "{}",
        "[" * 900,
        '{"ack": true}',
        '{"ack": 1.5}',
        '{"ack": "1"}',
        '{"ack": -1}',
        '{"ack": 99999999999999999999999}',
        '{"resize": [80]}',
        '{"resize": [0, 24]}',
        '{"resize": [80, 1001]}',
        '{"resize": [true, true]}',
        '{"control": "own"}',
    ],
)
def test_text_frames_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(MalformedError) as refused:
        frames.parse_text(text)
    assert refused.value.code == 4400
    assert len(refused.value.reason.encode()) <= 123


@given(st.text())
def test_any_text_is_understood_or_refused(text: str) -> None:
    with suppress(MalformedError):
        frames.parse_text(text)


def test_input_is_raw_without_a_client_and_numbered_with_one() -> None:
    assert frames.parse_binary(b"ls\r", numbered=False) == Typing(b"ls\r")
    assert frames.parse_binary(b"\0" * 7 + b"\x05ls", numbered=True) == Typing(b"ls", 5)
    with pytest.raises(MalformedError):
        frames.parse_binary(b"\0" * 7, numbered=True)
    with pytest.raises(MalformedError):
        frames.parse_binary(b"\xff" * 8, numbered=True)


def test_a_frame_of_input_holds_a_mebibyte() -> None:
    most = b"x" * frames.INPUT_MAX
    assert frames.parse_binary(b"\0" * 8 + most, numbered=True).data == most
    with pytest.raises(MalformedError) as refused:
        frames.parse_binary(b"x" * (frames.INPUT_MAX + 9), numbered=False)
    assert refused.value.code == 1009


def test_what_is_shown() -> None:
    assert frames.binary(Chunk(258, b"ab")) == b"\0\0\0\0\0\0\x01\x02ab"
    screen = frames.shown_text(Screen(9, 80, 24, b"caf\xc3\xa9\xff"))
    assert screen == {"type": "screen", "offset": 9, "cols": 80, "rows": 24, "data": "café\ufffd"}
    assert frames.shown_text(Gap(1, 5)) == {"type": "gap", "from": 1, "to": 5}
    size = {"type": "size", "offset": 7, "cols": 100, "rows": 30}
    assert frames.shown_text(Size(7, 100, 30)) == size


def test_who_has_control() -> None:
    control = Control(Writer("person", "1", "alice"), "v1", 1000)
    assert frames.control_text(control, you=True) == {
        "type": "control",
        "holder": {"kind": "person", "name": "alice"},
        "you": True,
        "since": 1000,
    }
    assert frames.control_text(Control(), you=False)["holder"] is None


def test_a_refusal_says_where_numbered_input_goes_on() -> None:
    refused = Refused("v", "input", "control", 12)
    frame = {"type": "refused", "reason": "control", "what": "input"}
    assert frames.refused_text(refused, numbered=False) == frame
    assert frames.refused_text(refused, numbered=True) == {**frame, "position": 12}
