"""The log on disk, by its writer and its reader."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_agent.podhost.log import MARK, SEGMENT, LogWriter
from runner_agent.terminals.logs import GoneError, PodLog

SMALL = 1 << 16  # the smallest segment


def write(log: LogWriter, data: bytes) -> None:
    for at in range(0, len(data), 1 << 14):
        assert log.append(memoryview(data[at : at + (1 << 14)]))


def read(log: PodLog, offset: int, limit: int = 1 << 30) -> bytes:
    data = b""
    while len(data) < limit and (part := log.take(offset + len(data), limit - len(data)).data):
        data += part
    return data


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "log"
    made.mkdir()
    return made


@pytest.fixture
def reader(place: Path) -> Iterator[PodLog]:
    log = PodLog(place)
    yield log
    log.close()


def numbered(count: int) -> bytes:
    return b"".join(b"%07d\n" % n for n in range(count))


def test_nothing_is_read_before_anything_is_written(reader: PodLog) -> None:
    assert reader.take(0, 100).data == b""
    assert reader.first() == reader.end() == 0


def test_any_reader_reads_from_any_offset(place: Path, reader: PodLog) -> None:
    data = numbered(1 << 20)
    write(LogWriter(str(place), 1 << 30, 80, 24), data)
    assert read(reader, 0) == data
    for offset in (1, SEGMENT - 3, SEGMENT, SEGMENT + 1, len(data) - 1, len(data)):
        assert read(reader, offset) == data[offset:]
    assert reader.starts() == [0, SEGMENT]
    assert reader.end() == len(data)


def test_a_reader_follows_the_writer_into_the_next_segment(place: Path, reader: PodLog) -> None:
    writer, at, data = LogWriter(str(place), 1 << 18, 80, 24), 0, numbered(40_000)
    for start in range(0, len(data), 10_000):
        write(writer, data[start : start + 10_000])
        part = read(reader, at)
        assert part == data[at : at + len(part)]
        at += len(part)
    assert at == len(data)


def test_past_log_max_the_oldest_go_and_a_reader_behind_hears_where_to_go_on(
    place: Path, reader: PodLog
) -> None:
    writer, data = LogWriter(str(place), 4 * SMALL, 80, 24), numbered(100_000)
    write(writer, data)
    kept = sum(path.stat().st_size for path in place.iterdir())
    assert kept <= 4 * SMALL + SMALL
    with pytest.raises(GoneError) as gone:
        reader.take(0, 10)
    assert gone.value.first == reader.first() > 0
    assert read(reader, reader.first()) == data[reader.first() :]


def test_a_reader_overtaken_by_the_writer_hears_of_it(place: Path, reader: PodLog) -> None:
    writer = LogWriter(str(place), 4 * SMALL, 80, 24)
    write(writer, numbered(1000))
    at = len(read(reader, 0))
    write(writer, numbered(100_000))
    rest = read(reader, at, SMALL - at)  # of the segment it has open
    assert len(rest) == SMALL - at
    with pytest.raises(GoneError):
        reader.take(SMALL, 10)


def test_a_piece_ends_where_the_size_changes(place: Path, reader: PodLog) -> None:
    writer = LogWriter(str(place), 1 << 30, 80, 24)
    write(writer, b"old")
    writer.resized(100, 30)
    writer.resized(120, 40)
    write(writer, b"new")
    first, second = reader.take(0, 100), reader.take(3, 100)
    assert (first.size, first.data) == ((80, 24), b"old")
    assert (second.size, second.data) == ((120, 40), b"new")
    assert reader.size_at(2) == (80, 24)
    assert reader.size_at(6) == (120, 40)


def test_a_size_from_before_the_first_byte_is_known(place: Path, reader: PodLog) -> None:
    writer = LogWriter(str(place), 1 << 30, 80, 24)
    writer.resized(100, 30)
    assert reader.size_at(0) == (100, 30)


def test_every_segment_says_its_size(place: Path, reader: PodLog) -> None:
    writer = LogWriter(str(place), 1 << 18, 80, 24)
    write(writer, numbered(1000))
    writer.resized(100, 30)
    write(writer, numbered(20_000))
    last = reader.starts()[-1]
    reader.close()
    for name in (0, *reader.starts()[1:-1]):
        for path in place.glob(f"{name:016x}*"):
            path.unlink()
    assert PodLog(place).first() == last
    assert reader.size_at(last) == (100, 30)


def test_output_is_dated(place: Path, reader: PodLog) -> None:
    import time

    before = time.time_ns() // 1_000_000
    write(LogWriter(str(place), 1 << 30, 80, 24), numbered(10))
    assert before <= reader.time_at(5) <= time.time_ns() // 1_000_000


def test_little_output_for_long_does_not_make_an_index_without_end(place: Path) -> None:
    from runner_agent.podhost.log import INDEX_MAX

    writer = LogWriter(str(place), 1 << 30, 80, 24)
    for _ in range(INDEX_MAX // MARK.size + 10):
        writer._marked_ms = 0  # as if 250 ms had passed
        writer.append(memoryview(b"."))
    assert all(path.stat().st_size < INDEX_MAX + MARK.size for path in place.glob("*.index"))
    assert len(list(place.glob("*.index"))) == 2


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files cannot grow beyond 10 000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_a_full_disk_refuses_is_kept_and_written_later(
    place: Path, reader: PodLog, full_disk: None
) -> None:
    writer, data = LogWriter(str(place), 1 << 30, 80, 24), numbered(2000)
    assert not writer.append(memoryview(data))
    assert writer.end + len(writer.held) == len(data)
    assert not writer.retry()
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert writer.retry()
    assert writer.end == len(data)
    assert read(reader, 0) == data


def test_a_directory_that_is_gone_holds_the_output_up_instead_of_losing_it(place: Path) -> None:
    wanted = place / "log"
    wanted.write_text("in the way of the directory")
    writer = LogWriter(str(wanted), 1 << 30, 80, 24)
    assert not writer.append(memoryview(b"kept"))
    wanted.unlink()
    assert writer.retry()
    assert (wanted / f"{0:016x}").read_bytes() == b"kept"
