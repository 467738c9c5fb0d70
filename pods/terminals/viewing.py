"""All feeds of one Terminal in this process, and the viewings that read them."""

import asyncio
from collections.abc import Callable, Iterator

from pods.terminals.feed import BROWSER, HOP, RING, Cursor, Feed, Pace, Source
from pods.terminals.messages import Screen, Shown, Size

LATE_S = 2.0  # a viewing that need not see every byte gets a new screen when it is this late


class Feeds:
    """Viewings share a feed where they can. One that starts elsewhere, or fell behind, has one of its own until
    another that is further on covers its place."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._feeds: list[Feed] = []  # oldest first

    def __iter__(self) -> Iterator[Feed]:
        return iter(tuple(self._feeds))

    def __len__(self) -> int:
        return len(self._feeds)

    def join(
        self,
        position: int | None,
        on_change: Callable[[], None],
        acked: int | None = None,
        pace: Pace = BROWSER,
    ) -> Cursor:
        feed = None if position is None else self._covering(position)
        if feed is None:
            # A second feed only helps one reader to catch up: what it has read it need not keep.
            feed = Feed(position, self._source, RING if not self._feeds else HOP.window)
            self._feeds.append(feed)
            cursor = Cursor(feed, position, on_change, acked, pace)
            self._source.open(feed)
            return cursor
        return Cursor(feed, position, on_change, acked, pace)

    def leave(self, cursor: Cursor) -> None:
        cursor.close()
        if not cursor.feed.cursors:
            self._feeds.remove(cursor.feed)
            if self._feeds:
                self._feeds[0].ring = RING
            self._source.close(cursor.feed)

    def onward(self, cursor: Cursor) -> Feed | None:
        """Another feed that covers the cursor's place and is further on; of equal ones the oldest."""
        if len(self._feeds) == 1 or cursor.waits_for_screen:
            return None
        best = self._covering(cursor.position)
        return best if best is not cursor.feed else None

    def _covering(self, position: int) -> Feed | None:
        covering = [feed for feed in self._feeds if feed.covers(position)]
        return max(covering, key=lambda feed: (feed.end, -feed.number), default=None)


class Viewing:
    """One reader of a Terminal. `start` None: begin with a screen.

    A lossless one sees every byte once, or a Gap in their place; another may get a new Screen when it is late.
    """

    def __init__(
        self, feeds: Feeds, start: int | None, *, lossless: bool = True, pace: Pace = BROWSER
    ) -> None:
        self._feeds, self._lossless, self._pace = feeds, lossless, pace
        self._changed = asyncio.Event()
        self._size = (0, 0)
        self._cursor = feeds.join(start, self._changed.set, pace=pace)

    @property
    def position(self) -> int:
        return self._cursor.position

    async def next(self) -> Shown:
        """What comes next; waits for it. After an End comes nothing new. Cancelling loses nothing."""
        while (shown := self.take()) is None:
            await self._changed.wait()
        return shown

    def take(self) -> Shown | None:
        """What comes next, if it is here."""
        self._changed.clear()
        self._move()
        while (shown := self._cursor.take()) is not None:
            if self._is_news(shown):
                break
        return shown

    def ack(self, offset: int) -> None:
        self._cursor.ack(offset)

    def close(self) -> None:
        self._feeds.leave(self._cursor)

    def _move(self) -> None:
        """To another feed, if this one cannot serve what comes next, or another one can as well."""
        cursor = self._cursor
        if cursor.room > 0 and (cursor.is_behind or self._is_late()):
            start = cursor.position if self._lossless else None
            self._cursor = self._feeds.join(start, self._changed.set, cursor.acked, self._pace)
            self._feeds.leave(cursor)
        elif feed := self._feeds.onward(cursor):
            self._cursor = Cursor(
                feed, cursor.position, self._changed.set, cursor.acked, self._pace
            )
            self._feeds.leave(cursor)

    def _is_late(self) -> bool:
        cursor = self._cursor
        if self._lossless or cursor.waits_for_screen or cursor.position >= cursor.feed.end:
            return False
        return cursor.feed.age_at(cursor.position) > LATE_S

    def _is_news(self, shown: Shown) -> bool:
        """Feeds repeat the size they have; a reader wants to hear of a change."""
        if not isinstance(shown, Size | Screen):
            return True
        size = (shown.cols, shown.rows)
        changed = size != self._size
        self._size = size
        return changed or isinstance(shown, Screen)
