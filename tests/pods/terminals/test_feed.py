"""A feed and its viewings, without a network: whatever comes in whatever order, each reader sees each byte once."""

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from pods.terminals.feed import BROWSER, HOP, RING, Cursor, Feed
from pods.terminals.messages import Chunk, End, Gap, Screen, Size
from pods.terminals.viewing import Feeds, Viewing


class Log:
    """A Source with the whole Terminal, which sends as its credit allows, when told to."""

    def __init__(self, size: int = 0) -> None:
        self.data = bytes(i * 31 % 251 for i in range(size))
        self.start = 0
        self.credit: dict[Feed, int] = {}
        self.opened = 0

    def open(self, feed: Feed) -> None:
        self.opened += 1
        if not feed.started:
            feed.show(Screen(len(self.data), 80, 24, b""))
        self.credit[feed] = feed.end + HOP.window

    def ack(self, feed: Feed, offset: int) -> None:
        assert offset + HOP.window > self.credit[feed]
        self.credit[feed] = offset + HOP.window

    def close(self, feed: Feed) -> None:
        del self.credit[feed]

    def send(self, feed: Feed, size: int) -> None:
        if feed.end < self.start:
            feed.skip(self.start)
            self.credit[feed] = max(self.credit[feed], self.start + HOP.window)
        end = min(feed.end + size, self.credit[feed], len(self.data))
        assert feed.push(feed.end, self.data[feed.end : end])


class Reader:
    """A lossless viewing and what it was shown."""

    def __init__(self, all_feeds: Feeds, start: int) -> None:
        self.start, self.shown = start, bytearray()
        self.viewing = Viewing(all_feeds, start)

    def take(self) -> None:
        """As much as there is now."""
        while True:
            shown = self.viewing.take()
            if shown is None:
                return
            if isinstance(shown, Chunk):
                assert shown.offset == self.start + len(self.shown)
                assert len(shown.data) <= BROWSER.frame
                self.shown += shown.data

    def ack(self) -> None:
        self.viewing.ack(self.start + len(self.shown))


def nothing() -> None:
    """A reader that looks by itself."""


def cursor(feed: Feed, position: int | None = 0, on_change: Callable[[], None] = nothing) -> Cursor:
    return Cursor(feed, position, on_change)


# ---- any interleaving

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(1, 2 * RING)),
        st.tuples(st.just("send"), st.integers(1, 200_000)),
        st.tuples(st.just("again"), st.integers(1, 100_000)),  # known bytes come once more
        st.tuples(st.just("ahead"), st.integers(1, 100_000)),  # bytes beyond a gap come
        st.tuples(st.just("take"), st.integers(0, 3)),
        st.tuples(st.just("ack"), st.integers(0, 3)),
        st.tuples(st.just("leave"), st.integers(0, 3)),
        st.tuples(st.just("join"), st.integers(0, 100)),  # at this part of what there is
    ),
    max_size=80,
)
WHOLE = bytes(i * 31 % 251 for i in range(16 * RING))


class Play:
    def __init__(self) -> None:
        self.log = Log()
        self.all = Feeds(self.log)
        self.readers: list[Reader] = []

    def step(self, name: str, n: int) -> None:
        log = self.log
        if name == "grow":
            log.data = WHOLE[: min(len(log.data) + n, len(WHOLE))]
        elif name == "join":
            self.readers.append(Reader(self.all, len(log.data) * n // 100))
        elif name in {"send", "again", "ahead"}:
            for feed in self.all:
                self._push(feed, name, n)
        elif n < len(self.readers):
            self._reader(name, n)

    def _push(self, feed: Feed, name: str, n: int) -> None:
        if name == "send":
            self.log.send(feed, n)
        elif name == "again":
            at = max(feed.end - n, 0)
            assert feed.push(at, self.log.data[at : feed.end])
        else:
            assert not feed.push(feed.end + n, b"beyond")

    def _reader(self, name: str, n: int) -> None:
        reader = self.readers[n]
        if name == "take":
            reader.take()
        elif name == "ack":
            reader.ack()
        else:
            reader.viewing.close()
            del self.readers[n]

    def finish(self) -> None:
        """All that there is, to all that are there."""
        for _ in range(1000):
            for feed in self.all:
                self.log.send(feed, RING)
            for reader in self.readers:
                reader.take()
                reader.ack()
            if all(r.start + len(r.shown) == len(self.log.data) for r in self.readers):
                return
        raise AssertionError("a reader waits for ever")


@settings(max_examples=150)
@given(STEPS)
def test_every_lossless_reader_sees_every_byte_once(steps: list[tuple[str, int]]) -> None:
    play = Play()
    for name, n in steps:
        play.step(name, n)
    play.finish()
    for reader in play.readers:
        assert reader.shown == play.log.data[reader.start :]
    for reader in tuple(play.readers):
        reader.viewing.close()
    assert not len(play.all)
    assert not play.log.credit


def test_readers_that_caught_up_share_one_feed_again() -> None:
    log = Log()
    all_feeds = Feeds(log)
    slow, fast = Reader(all_feeds, 0), Reader(all_feeds, 0)
    log.data = WHOLE[: 4 * RING]
    for _ in range(100):
        for feed in all_feeds:
            log.send(feed, RING)
        slow.take()
        fast.take()
        fast.ack()
    assert (
        len(slow.shown) == BROWSER.window
    )  # it has not acknowledged, so it costs no feed of its own
    assert len(all_feeds) == 1
    slow.ack()
    slow.take()
    assert len(all_feeds) == 2
    for _ in range(100):
        for feed in all_feeds:
            log.send(feed, RING)
        slow.take()
        slow.ack()
    assert len(all_feeds) == 1
    assert slow.shown == log.data


# ---- one feed


def test_a_reader_gets_its_window_and_no_more() -> None:
    source = Log()
    feed = Feed(0, source)
    source.open(feed)
    log = WHOLE[: 2 * BROWSER.window]
    feed.push(0, log)
    reader = cursor(feed)
    got = bytearray()
    while isinstance(chunk := reader.take(), Chunk):
        got += chunk.data
    assert len(got) == BROWSER.window
    assert reader.take() is None
    reader.ack(10)
    assert reader.take() == Chunk(BROWSER.window, log[BROWSER.window : BROWSER.window + 10])


def test_an_acknowledgement_beyond_what_was_sent_gives_no_more_than_all_of_it() -> None:
    feed = Feed(0, Log())
    reader = cursor(feed)
    feed.push(0, b"abc")
    reader.take()
    reader.ack(1 << 60)
    assert reader.acked == 3


def test_a_piece_is_handed_on_without_a_copy() -> None:
    feed = Feed(0, Log())
    reader = cursor(feed)
    piece = WHOLE[: BROWSER.frame]
    feed.push(0, piece)
    chunk = reader.take()
    assert isinstance(chunk, Chunk)
    assert chunk.data is piece


def test_small_pieces_leave_together() -> None:
    feed = Feed(0, Log())
    reader = cursor(feed)
    for n in range(10_000):
        feed.push(n, b"x")
    chunk = reader.take()
    assert isinstance(chunk, Chunk)
    assert chunk.data == b"x" * 10_000


def test_the_leading_reader_sets_the_pace() -> None:
    log = Log(4 * HOP.window)
    feed = Feed(0, log)
    log.open(feed)
    leading, _trailing = cursor(feed), cursor(feed)
    feed.push(0, log.data[: HOP.window])
    while leading.take():
        leading.ack(leading.position)
    assert log.credit[feed] > 1.5 * HOP.window


def test_bytes_kept_no_longer_are_told_as_a_gap() -> None:
    feed = Feed(5, Log())
    reader = cursor(feed, 5)
    feed.skip(100)
    feed.push(100, b"after")
    assert reader.take() == Gap(5, 100)
    assert reader.take() == Chunk(100, b"after")


def test_sizes_come_where_they_belong() -> None:
    feed = Feed(0, Log())
    reader = cursor(feed)
    feed.resize(Size(0, 80, 24))
    feed.push(0, b"wide")
    feed.resize(Size(4, 40, 24))
    feed.push(4, b"narrow")
    shown = [reader.take() for _ in range(4)]
    assert shown == [Size(0, 80, 24), Chunk(0, b"wide"), Size(4, 40, 24), Chunk(4, b"narrow")]
    late = cursor(feed, 10)
    assert late.take() == Size(4, 40, 24)


def test_many_sizes_without_output_are_one() -> None:
    feed = Feed(0, Log())
    for cols in range(1, 1000):
        feed.resize(Size(0, cols, 24))
    reader = cursor(feed)
    assert reader.take() == Size(0, 999, 24)
    assert reader.take() is None


def test_a_ring_keeps_a_mebibyte() -> None:
    feed = Feed(0, Log())
    for start in range(0, 8 * RING, BROWSER.frame):
        feed.push(start, WHOLE[start : start + BROWSER.frame])
    assert feed.end - feed.start <= RING
    assert feed.read(feed.start, 10) == WHOLE[feed.start : feed.start + 10]


def test_the_end_comes_after_the_last_byte() -> None:
    feed = Feed(0, Log())
    reader = cursor(feed)
    feed.push(0, b"bye")
    feed.finish(End(3, 0))
    assert reader.take() == Chunk(0, b"bye")
    assert reader.take() == End(3, 0)


async def test_a_viewing_that_waits_is_woken() -> None:
    log = Log()
    viewing = Viewing(Feeds(log), 0)
    [feed] = log.credit
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(viewing.next())
        await asyncio.sleep(0)
        feed.push(0, b"now")
    assert waiting.result() == Chunk(0, b"now")
    viewing.close()


async def test_a_viewing_that_may_skip_gets_a_new_screen_when_two_seconds_late() -> None:
    log = Log()
    all_feeds = Feeds(log)
    viewing = Viewing(all_feeds, None, lossless=False)
    assert isinstance(await viewing.next(), Screen)
    [feed] = all_feeds
    log.data = WHOLE[: BROWSER.window + 10]
    for start in range(0, BROWSER.window + 10, BROWSER.frame):
        feed.push(start, log.data[start : min(start + BROWSER.frame, BROWSER.window + 10)])
    while isinstance(viewing.take(), Chunk):
        pass
    feed._pieces = type(feed._pieces)(p._replace(came_at=p.came_at - 3) for p in feed._pieces)
    viewing.ack(BROWSER.window)
    assert await viewing.next() == Screen(BROWSER.window + 10, 80, 24, b"")
    viewing.close()
