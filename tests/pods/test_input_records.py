"""Who typed what: each byte on record once, with its author, however often and in whatever pieces it is told."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pods.messages import InputBurst
from pods.models import InputRecord
from pods.services.input_records import author_of, keep_burst
from tests.builders import Cast, make_pod

pytestmark = pytest.mark.django_db


def burst(data, position=0, writer="person:1:tab", **fields):
    made = {"offset": 7, "at_ms": time.time_ns() // 1_000_000, "length": len(data)}
    return InputBurst("pod", writer, position, **(made | {"data": data} | fields))


def kept(pod):
    rows = pod.input_records.order_by("position")
    return [(row.position, row.length, row.text) for row in rows]


def test_a_burst_that_comes_again_is_one_row(cast):
    pod = make_pod(cast.organization)
    for _ in range(2):
        keep_burst(pod, burst(b"ls\r"))
    assert kept(pod) == [(0, 3, "ls\r")]


def test_only_what_is_new_is_added(cast):
    pod = make_pod(cast.organization)
    keep_burst(pod, burst(b"abc"))
    keep_burst(pod, burst(b"bcde", 1))
    assert kept(pod) == [(0, 3, "abc"), (3, 2, "de")]


def test_hidden_input_has_a_length_and_no_text(cast):
    pod = make_pod(cast.organization)
    keep_burst(pod, burst(b"", length=9, is_hidden=True))
    row = InputRecord.objects.get()
    assert (row.length, row.text, row.is_hidden) == (9, "", True)


def test_bytes_that_are_no_text_are_kept_readable(cast):
    pod = make_pod(cast.organization)
    keep_burst(pod, burst(b"\x00\xff"))
    assert kept(pod) == [(0, 2, "␀�")]


def test_the_author_is_known_by_the_writer(cast: Cast):
    pod = make_pod(cast.organization, owner=cast.bob)
    child = make_pod(cast.organization, owner=cast.bob, parent=pod)
    stranger = make_pod(cast.stranger)
    assert author_of(pod, f"person:{cast.alice.pk}:tab") == ("person", str(cast.alice.pk), "alice")
    assert author_of(pod, f"pod:{child.pk}:!x")[2] == str(child)
    assert author_of(pod, "prompt")[2] == "bob"
    assert author_of(child, "prompt") == ("pod", str(pod.pk), str(pod))
    assert author_of(pod, "prompt:0d3c")[:2] == ("system", "0d3c")
    for nobody in (f"person:{cast.charlie.pk}:t", f"pod:{stranger.pk}:t", "person:x:t", "", "a:1"):
        assert author_of(pod, nobody)[2] == "unknown"


@given(pieces=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=12))
@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_whatever_is_told_again_the_record_has_each_byte_once(cast, pieces):
    """The Runner tells a writer's bytes in order, and again from anywhere after a restart."""
    typed = bytes(range(97, 97 + 24))
    pod, told = make_pod(cast.organization), 0
    for back, length in pieces:
        start = max(0, told - back)
        piece = typed[start : start + length]
        if piece:
            keep_burst(pod, burst(piece, start))
        told = max(told, start + len(piece))
    rows = pod.input_records.order_by("position")
    assert "".join(row.text for row in rows) == typed[:told].decode()
