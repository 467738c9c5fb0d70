"""The Terminals this Gateway carries: their feeds between Runners and web. Used from the gateway's loop only."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from pods.gateway.desk import Desk
from pods.terminals.feed import Feed
from pods.terminals.messages import CloseFeed, End, FeedAck, OpenFeed, Request, Screen, Size
from pods.terminals.viewing import Feeds

ASK_AGAIN_S = 1.0  # a feed the Runner refused, because the Pod is not there yet, is asked for again after this


class Stream(Protocol):
    """A Runner's Terminals stream."""

    runner_id: int

    def put(self, request: Request) -> bool:
        """Must not wait. False: the Runner is too slow, nothing was put."""


class Hub:
    def __init__(self) -> None:
        self._terminals: dict[tuple[int, str], Terminal] = {}
        self._streams: dict[int, Stream] = {}
        self._feeds: dict[int, tuple[Terminal, Feed]] = {}

    def terminal(self, runner_id: int, pod: str) -> "Terminal":
        key = (runner_id, pod)
        if key not in self._terminals:
            self._terminals[key] = Terminal(self, runner_id, pod)
        return self._terminals[key]

    def drop_if_idle(self, terminal: "Terminal") -> None:
        if terminal.is_idle:
            self._terminals.pop((terminal.runner_id, terminal.pod), None)

    def send(self, runner_id: int, request: Request) -> bool:
        """False: the Runner's Terminals stream is down, or too slow."""
        stream = self._streams.get(runner_id)
        return stream is not None and stream.put(request)

    # ---- Runners

    def attach(self, stream: Stream) -> None:
        """The newest stream of a Runner counts. All its feeds are opened where they ended."""
        self._streams[stream.runner_id] = stream
        for terminal in self._terminals_of(stream.runner_id):
            terminal.lose("reconnecting")
            terminal.reopen()

    def detach(self, stream: Stream) -> None:
        if self._streams.get(stream.runner_id) is stream:
            del self._streams[stream.runner_id]
            for terminal in self._terminals_of(stream.runner_id):
                terminal.lose("reconnecting")

    def started(self, runner_id: int, pod: str) -> None:
        """The Runner has this Pod now: what waited for it is opened."""
        if terminal := self._terminals.get((runner_id, pod)):
            terminal.reopen(refused_only=True)

    def feed(self, runner_id: int, number: int) -> "tuple[Terminal, Feed] | None":
        """An open feed, if it is of a Pod of that Runner."""
        found = self._feeds.get(number)
        return found if found and found[0].runner_id == runner_id else None

    def known(self, runner_id: int, pod: str) -> "Terminal | None":
        return self._terminals.get((runner_id, pod))

    # ---- for Terminals

    def note_open(self, terminal: "Terminal", feed: Feed) -> None:
        self._feeds[feed.number] = (terminal, feed)

    def note_closed(self, feed: Feed) -> None:
        self._feeds.pop(feed.number, None)

    def _terminals_of(self, runner_id: int) -> "Iterator[Terminal]":
        return (t for t in tuple(self._terminals.values()) if t.runner_id == runner_id)


class Terminal:
    """One Pod's Terminal: a Source of feeds that come from the Runner."""

    def __init__(self, hub: Hub, runner_id: int, pod: str) -> None:
        self._hub, self.runner_id, self.pod = hub, runner_id, pod
        self.feeds = Feeds(self)
        self.desk = Desk(pod, self._send, lambda: hub.drop_if_idle(self))
        self._refused: set[int] = set()

    @property
    def is_idle(self) -> bool:
        return not len(self.feeds) and self.desk.is_idle

    # ---- as a Source

    def open(self, feed: Feed) -> None:
        self._hub.note_open(self, feed)
        self._open(feed)

    def ack(self, feed: Feed, offset: int) -> None:
        self._send(FeedAck(feed.number, offset))

    def close(self, feed: Feed) -> None:
        self._hub.note_closed(feed)
        self._refused.discard(feed.number)
        self._send(CloseFeed(feed.number))

    # ---- what the Runner says

    def attached(self, feed: Feed, end: int, cols: int, rows: int) -> None:
        self._refused.discard(feed.number)
        if feed.started and feed.end >= end:
            feed.resize(Size(feed.end, cols, rows))
        self.desk.connect()

    def push(self, feed: Feed, offset: int, data: bytes) -> None:
        if not feed.push(offset, data):
            self._open(feed)

    def show(self, feed: Feed, screen: Screen) -> None:
        if not feed.show(screen):
            self._open(feed)

    def end(self, feed: Feed, end: End) -> None:
        feed.finish(end)
        self.desk.disconnect("ended")

    def refuse(self, feed: Feed, reason: str) -> None:
        """The Runner has no such Pod, or not yet."""
        self._refused.add(feed.number)
        self.desk.disconnect(reason)
        asyncio.get_running_loop().call_later(ASK_AGAIN_S, self._ask_again, feed)

    def lose(self, reason: str) -> None:
        if self.desk.link.reason != "ended":
            self.desk.disconnect(reason)

    def reopen(self, *, refused_only: bool = False) -> None:
        for feed in self.feeds:
            if feed.ended is None and (feed.number in self._refused or not refused_only):
                self._open(feed)

    # ----

    def _ask_again(self, feed: Feed) -> None:
        if feed.number in self._refused:
            self._open(feed)

    def _open(self, feed: Feed) -> None:
        self._refused.discard(feed.number)
        self._send(OpenFeed(feed.number, self.pod, feed.end if feed.started else None))

    def _send(self, request: Request) -> bool:
        return self._hub.send(self.runner_id, request)
