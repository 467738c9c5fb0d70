"""Feeds: readings of Terminals that a Gateway opened, each at its own pace from the Pod's log."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from runner_agent.messages import (
    CloseFeed,
    FeedAck,
    FeedRefused,
    Input,
    InputRefused,
    OpenFeed,
    Resize,
    TerminalEvent,
    TerminalRequest,
)
from runner_agent.terminals.feed import Feed
from runner_agent.terminals.hosts import PodHost, PodHosts
from runner_agent.terminals.logs import GoneError
from runner_agent.terminals.taken import Taken

WATCHED_AHEAD = 1 << 20  # bytes a flood may run ahead of the leading live viewer
LIMIT_STEP = 1 << 18  # bytes; a smaller change of the limit is not worth a frame
WRITER_MAX = 200  # bytes of a writer's id
REFUSED = 1024  # feeds of Pods that are not here; the Gateway asks again for those we forget
READ_MAX = 1 << 20  # bytes of one output()


class UnknownPodError(Exception):
    """This Runner holds no such Pod."""


class Terminals:
    def __init__(self, hosts: PodHosts) -> None:
        self._hosts = hosts
        self._feeds: dict[int, Feed] = {}
        self._feeds_of: dict[PodHost, dict[int, Feed]] = {}
        self._ready: dict[
            int, None
        ] = {}  # numbers of feeds with something to send; the next one first
        self._not_typed: dict[tuple[str, str], InputRefused] = {}  # the first of each writer
        self._refused: dict[int, str] = {}  # feeds, not told yet
        self._early: dict[int, OpenFeed] = {}  # for Pods that are not here yet
        self._news = asyncio.Event()
        self._taken = Taken(self._news.set)
        hosts.on_met.add(self._is_here)

    # ---- in

    def handle(self, request: TerminalRequest) -> None:
        """Never waits: an agent that does not read holds up nobody else's typing."""
        match request:
            case Input():
                self._type(request)
            case FeedAck():
                self._acked(request)
            case OpenFeed():
                self._open(request)
            case CloseFeed():
                self._close(request.feed)
            case Resize():
                host = self._hosts.get(request.pod)
                if host is not None:
                    host.resize(request.cols, request.rows)

    def _type(self, request: Input) -> None:
        host = self._hosts.get(request.pod)
        if host is None:
            refused = self._why_not_here(request.pod)
        elif len(request.writer.encode()) > WRITER_MAX:
            refused = "busy"
        else:
            host.on_taken.add(self._is_taken)
            refused = host.type(request.data, request.writer, request.position)
        if refused:
            event = InputRefused(request.pod, request.writer, request.position, refused)
            self._not_typed.setdefault((request.pod, request.writer), event)
            self._news.set()

    def _is_taken(self, host: PodHost, writer: str, position: int) -> None:
        self._taken.note(host.pod, writer, position)

    def _open(self, request: OpenFeed) -> None:
        self._close(request.feed)
        host = self._hosts.get(request.pod)
        if host is None:
            self._refuse(request)
            return
        feed = Feed(request, host, self._make_ready)
        self._feeds[request.feed] = feed
        self._feeds_of.setdefault(host, {})[request.feed] = feed
        host.on_change.add(self._changed)
        self._make_ready(feed)
        self._pace(host)

    def _refuse(self, request: OpenFeed) -> None:
        """For now: should its Pod come, it is opened without being asked for again."""
        self._refused[request.feed] = self._why_not_here(request.pod)
        self._early[request.feed] = request
        for known in (self._refused, self._early):
            if len(known) > REFUSED:
                del known[next(iter(known))]
        self._news.set()

    def _is_here(self, host: PodHost) -> None:
        for request in [each for each in self._early.values() if each.pod == host.pod]:
            self._open(request)

    def _why_not_here(self, pod: str) -> str:
        return "starting" if pod in self._hosts.starting else "unknown"

    def _acked(self, ack: FeedAck) -> None:
        feed = self._feeds.get(ack.feed)
        if feed is not None:
            feed.ack(ack.offset)
            self._pace(feed.host)
            self._make_ready(feed)

    def _close(self, number: int) -> None:
        self._refused.pop(number, None)
        self._early.pop(number, None)
        feed = self._feeds.pop(number, None)
        if feed is None:
            return
        feed.close()
        self._ready.pop(number, None)
        host, others = feed.host, self._feeds_of[feed.host]
        del others[number]
        if others:
            self._pace(host)
        else:
            del self._feeds_of[host]
            host.on_change.discard(self._changed)
            host.limit(0)

    def close_all(self) -> None:
        """The stream ended: forget its feeds. Pods go on."""
        for number in list(self._feeds):
            self._close(number)
        for host in self._hosts:
            host.on_taken.discard(self._is_taken)
        self._taken.clear()
        self._not_typed.clear()
        self._refused.clear()
        self._early.clear()

    def unacknowledged(self) -> int:
        """Bytes of terminals that are looked at, written and not acknowledged."""
        return sum(max(0, feed.host.end - feed.acked) for feed in self._feeds.values())

    # ---- out

    async def events(self) -> AsyncGenerator[TerminalEvent, None]:
        """What to send, feeds in turn, for one Terminals stream at a time. Ends only by being closed."""
        while True:
            event = self._next()
            if event is not None:
                yield event
            else:
                self._news.clear()
                await self._news.wait()

    def _next(self) -> TerminalEvent | None:
        if (taken := self._taken.next()) is not None:
            return taken
        if self._not_typed:
            return self._not_typed.popitem()[1]
        if self._refused:
            return FeedRefused(*self._refused.popitem())
        while self._ready:
            number = next(iter(self._ready))
            del self._ready[number]
            feed = self._feeds[number]
            event = feed.next()
            if event is not None:
                feed.consider()
                return event
        return None

    def _make_ready(self, feed: Feed) -> None:
        if self._feeds.get(feed.number) is feed:
            self._ready.setdefault(feed.number)
            self._news.set()

    def _changed(self, host: PodHost) -> None:
        for feed in self._feeds_of.get(host, {}).values():
            feed.consider()

    def _pace(self, host: PodHost) -> None:
        """A viewer counts while it is no more than WATCHED_AHEAD behind; the one furthest ahead leads."""
        acked = [feed.acked for feed in self._feeds_of[host].values() if feed.live]
        limit = max(acked, default=0) + WATCHED_AHEAD
        if not acked or limit < host.end:
            host.limit(0)
        elif limit - host.limit_now >= LIMIT_STEP or limit < host.limit_now:
            host.limit(limit)

    # ---- questions

    async def screen(self, pod: str) -> dict[str, Any]:
        """`text cols rows cursor title offset as_of bracketed_paste echo alternate quiet_s`; UnknownPodError."""
        host = self._known(pod)
        echo = await host.echo()
        screen = await host.live.at_end()
        as_of = datetime.now(UTC).isoformat(timespec="milliseconds")
        return screen.show() | {
            "offset": host.live.offset,
            "as_of": as_of,
            "echo": echo,
            "quiet_s": round(host.quiet_s(), 1),
        }

    async def output(self, pod: str, offset: int, limit: int) -> tuple[bytes, int, int]:
        """Kept bytes from `offset` on (the first kept one if that is gone): data, its offset, the Terminal's end."""
        host = self._known(pod)
        start = min(max(0, offset), host.end)
        room, at = min(limit, READ_MAX), start
        parts: list[bytes] = []
        while room > 0:
            try:
                data = host.log.take(at, room).data
            except GoneError as gone:
                start = at = gone.first
                parts.clear()
                continue
            if not data:
                break
            parts.append(data)
            at += len(data)
            room -= len(data)
        return b"".join(parts), start, max(host.end, at)

    def _known(self, pod: str) -> PodHost:
        host = self._hosts.get(pod)
        if host is None:
            raise UnknownPodError(pod)
        return host
