"""What the PTYs took becomes bursts: of one writer, at most a second and 4 KiB, without text where it is hidden."""

import asyncio
from types import SimpleNamespace

import pytest

from runner_agent.outbox import BURSTS_KEPT, Outbox
from runner_agent.terminals.host_link import Typing
from runner_agent.terminals.input_records import BURST_MAX, InputRecorder

pytestmark = pytest.mark.looptime

HOST = SimpleNamespace(pod="pod-a", end=100)


@pytest.fixture
async def recorder():
    recorder = InputRecorder(Outbox())
    yield recorder
    recorder.close_all()


def typed(recorder, data, position=0, *, writer=b"person:1:tab", hidden=False, taken=None):
    end = position + len(data)
    recorder._typed(HOST, Typing(writer, position, data), end if taken is None else taken, hidden)


def told(recorder):
    recorder.close_all()
    return [kept.message for kept in recorder._outbox._kept.values()]


async def test_keys_in_a_row_are_one_burst(recorder):
    for at, key in enumerate(b"ls\r"):
        typed(recorder, bytes([key]), at)
    (burst,) = told(recorder)
    assert (burst.writer, burst.position, burst.length) == ("person:1:tab", 0, 3)
    assert (burst.data, burst.offset, burst.is_hidden) == (b"ls\r", 100, False)


async def test_after_a_second_it_is_told(recorder):
    typed(recorder, b"a")
    await asyncio.sleep(1.1)
    assert len(recorder._outbox._kept) == 1
    typed(recorder, b"b", 1)
    assert [burst.data for burst in told(recorder)] == [b"a", b"b"]


async def test_each_writer_has_its_own(recorder):
    typed(recorder, b"a")
    typed(recorder, b"b", writer=b"pod:7:!1")
    typed(recorder, b"c", 1)
    assert sorted((burst.writer, burst.data) for burst in told(recorder)) == [
        ("person:1:tab", b"ac"),
        ("pod:7:!1", b"b"),
    ]


async def test_a_paste_is_cut(recorder):
    typed(recorder, b"x" * (2 * BURST_MAX + 5))
    bursts = told(recorder)
    assert [(burst.position, burst.length) for burst in bursts] == [
        (0, BURST_MAX),
        (BURST_MAX, BURST_MAX),
        (2 * BURST_MAX, 5),
    ]


async def test_hidden_input_is_a_burst_of_its_own_without_text(recorder):
    typed(recorder, b"sudo\r")
    typed(recorder, b"s3cret\r", 5, hidden=True)
    typed(recorder, b"ls\r", 12)
    assert [(b.length, b.data, b.is_hidden) for b in told(recorder)] == [
        (5, b"sudo\r", False),
        (7, b"", True),
        (3, b"ls\r", False),
    ]


async def test_what_was_not_typed_is_not_recorded(recorder):
    typed(recorder, b"abc", 10, taken=4)  # bytes before these are missing
    typed(recorder, b"abc", writer=b"")
    assert told(recorder) == []


async def test_what_the_server_has_on_record_is_not_kept(recorder):
    typed(recorder, b"a")
    (burst,) = told(recorder)
    recorder._outbox.input_recorded(((burst.pod, burst.writer, burst.position),))
    assert told(recorder) == []


async def test_a_server_that_stays_away_costs_no_more_than_so_much(recorder):
    for at in range(BURSTS_KEPT + 3):
        typed(recorder, b"a", 2 * at)
    bursts = told(recorder)
    assert len(bursts) == BURSTS_KEPT
    assert bursts[-1].position == 2 * (BURSTS_KEPT + 2)
