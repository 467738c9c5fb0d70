"""A Runner as a Gateway sees it on the Terminals stream: Pods are byte strings, faults are by command."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from grpc import aio

from proto.mesh.v1 import runner_pb2 as pb
from proto.mesh.v1.runner_pb2_grpc import RunnerLinkStub

PATIENCE_S = 20  # only a failing test waits so long
WINDOW, FRAME = 256 * 1024, 64 * 1024


@dataclass
class FakePod:
    log: bytearray = field(default_factory=bytearray)
    start: int = 0  # bytes before are kept no longer
    exit_code: int | None = None
    cols: int = 80
    rows: int = 24
    taken: dict[str, int] = field(default_factory=dict)
    typed: bytearray = field(default_factory=bytearray)
    reads: bool = True  # whether its PTY takes what is typed
    held: list[pb.Input] = field(default_factory=list)


@dataclass
class _Feed:
    number: int
    pod: FakePod
    sent: int
    acked: int
    ended: bool = False


class FakeRunner:
    def __init__(self, address: str, epoch: int) -> None:
        self._channel = aio.insecure_channel(address)
        self._epoch = epoch
        self.pods: dict[str, FakePod] = {}
        self.feeds: dict[int, _Feed] = {}
        self.opened: list[pb.OpenFeed] = []
        self.inputs: list[pb.Input] = []
        self.changed = asyncio.Condition()
        self._call: Any = None
        self.is_greeted = False

    async def run(self) -> None:
        """One Terminals stream, until it is cut or the Gateway ends it."""
        with suppress(aio.AioRpcError, asyncio.InvalidStateError):  # also of a call cut in a write
            await self._run()

    async def _run(self) -> None:
        self.feeds.clear()
        self._call = RunnerLinkStub(self._channel).Terminals()
        await self._call.write(pb.TerminalUp(hello=pb.TerminalsHello(epoch=self._epoch)))
        await self._call.initial_metadata()
        async with self.changed:
            self.is_greeted = True
            self.changed.notify_all()
        try:
            while (message := await self._call.read()) is not aio.EOF:
                await self._obey(message)
                async with self.changed:
                    self.changed.notify_all()
        except asyncio.CancelledError:
            if not self._call.cancelled():
                raise

    def cut(self) -> None:
        self._call.cancel()

    async def close(self) -> None:
        await self._channel.close()

    async def write(self, name: str, data: bytes) -> None:
        self.pods[name].log += data
        await self._serve()

    async def end(self, name: str, exit_code: int) -> None:
        self.pods[name].exit_code = exit_code
        await self._serve()

    async def until(self, predicate: Any) -> None:
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(predicate)

    async def say(self, **message: Any) -> None:
        await self._call.write(pb.TerminalUp(**message))

    async def take_held(self, name: str) -> None:
        """The program reads what was typed meanwhile."""
        pod = self.pods[name]
        while pod.held:  # what arrives meanwhile comes after it, as on a PTY
            await self._take(pod, pod.held.pop(0))
        pod.reads = True

    # ----

    async def _obey(self, message: pb.TerminalDown) -> None:
        match message.WhichOneof("message"):
            case "open":
                await self._open(message.open)
            case "ack":
                self.feeds[message.ack.feed].acked = message.ack.offset
            case "close":
                self.feeds.pop(message.close.feed, None)
            case "input":
                self.inputs.append(message.input)
                await self._type(message.input)
            case "resize":
                await self._resize(message.resize)
        await self._serve()

    async def _resize(self, wish: pb.Resize) -> None:
        pod = self.pods[wish.pod]
        pod.cols, pod.rows = wish.cols, wish.rows
        for feed in self.feeds.values():
            if feed.pod is pod:
                size = pb.Size(feed=feed.number, offset=feed.sent, cols=wish.cols, rows=wish.rows)
                await self.say(size=size)

    async def _open(self, opening: pb.OpenFeed) -> None:
        self.opened.append(opening)
        pod = self.pods.get(opening.pod)
        if pod is None:
            await self.say(refused=pb.FeedRefused(feed=opening.feed, reason="unknown"))
            return
        end = len(pod.log)
        await self.say(
            attached=pb.Attached(
                feed=opening.feed, start=pod.start, end=end, cols=pod.cols, rows=pod.rows
            )
        )
        at = end if opening.WhichOneof("start") == "screen" else opening.offset
        if opening.WhichOneof("start") == "screen":
            shown = b"screen@%d" % end
            await self.say(
                screen=pb.Screen(
                    feed=opening.feed, offset=end, cols=pod.cols, rows=pod.rows, data=shown
                )
            )
        elif at < pod.start:
            gap = pb.Gap(feed=opening.feed, to=pod.start)
            setattr(gap, "from", at)
            await self.say(gap=gap)
            at = pod.start
        self.feeds[opening.feed] = _Feed(opening.feed, pod, at, at)

    async def _type(self, typed: pb.Input) -> None:
        pod = self.pods.get(typed.pod)
        if pod is None:
            await self.say(
                input_refused=pb.InputRefused(
                    pod=typed.pod, writer=typed.writer, position=typed.position, reason="unknown"
                )
            )
        elif not pod.reads:
            pod.held.append(typed)
        else:
            await self._take(pod, typed)

    async def _take(self, pod: FakePod, typed: pb.Input) -> None:
        known = pod.taken.get(typed.writer, typed.position)
        if typed.position <= known:
            pod.typed += typed.data[known - typed.position :]
            known = max(known, typed.position + len(typed.data))
        pod.taken[typed.writer] = known
        taken = pb.InputTaken(pod=typed.pod, writer=typed.writer, position=known)
        await self.say(input_taken=taken)

    async def _serve(self) -> None:
        """Send what each feed may have."""
        for feed in tuple(self.feeds.values()):
            while feed.sent < len(feed.pod.log) and feed.sent - feed.acked < WINDOW:
                data = bytes(feed.pod.log[feed.sent : feed.sent + FRAME])
                await self.say(output=pb.Output(feed=feed.number, offset=feed.sent, data=data))
                feed.sent += len(data)
            code = feed.pod.exit_code
            if code is not None and not feed.ended and feed.sent == len(feed.pod.log):
                feed.ended = True
                await self.say(end=pb.End(feed=feed.number, offset=feed.sent, exit_code=code))
