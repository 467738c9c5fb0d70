"""Titles, notices and bells are found in raw output, however it is cut; a flood costs little."""

import pytest

from runner_agent.agents.signs import HELD_MAX, SIGNS_MAX, Signs

TITLE = "\x1b]0;✳ Claude Code\x07".encode()


def fed(*pieces: bytes, bell: bool = False):
    signs = Signs(bell=bell)
    return [sign for piece in pieces for sign in signs.feed(piece)]


def test_titles_end_with_a_bell_or_a_string_terminator():
    assert fed(b"a\x1b]0;one\x07b\x1b]2;two\x1b\\c") == [("title", "one"), ("title", "two")]


@pytest.mark.parametrize("at", range(1, len(TITLE)))
def test_a_title_cut_anywhere_is_found_once(at):
    assert fed(b"x" + TITLE[:at], TITLE[at:] + b"y") == [("title", "✳ Claude Code")]


def test_notices_and_semantic_prompts_have_their_number():
    output = b"\x1b]9;Approval requested\x07\x1b]777;notify;Gemini;needs\x07\x1b]133;A\x07"
    texts = ["9;Approval requested", "777;notify;Gemini;needs", "133;A"]
    assert fed(output) == [("osc", text) for text in texts]


def test_links_colours_and_queries_are_none_of_them():
    assert fed(b"\x1b]8;;http://x\x07link\x1b]8;;\x07\x1b]11;?\x07\x1b]52;c;aGk=\x07") == []


def test_a_bell_is_one_only_outside_of_a_sequence():
    assert fed(b"ding\x07", bell=True) == [("osc", "bell")]
    assert fed(TITLE, bell=True) == [("title", "✳ Claude Code")]
    assert fed(b"ding\x07") == []


def test_a_sequence_that_never_ends_holds_nothing_up():
    assert fed(b"\x1b]0;" + b"x" * (HELD_MAX + 1), b"\x07", TITLE) == [("title", "✳ Claude Code")]


def test_of_a_flood_of_titles_the_last_ones_count():
    flood = b"".join(b"\x1b]0;%d\x07" % number for number in range(5000))
    found = fed(flood)
    assert found[-1] == ("title", "4999")
    assert len(found) == SIGNS_MAX
