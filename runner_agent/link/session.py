"""One Session of this Runner, from its welcome until it ends."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

from grpc import aio

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent.link import wire
from runner_agent.link.attach import Attached, Ended, broken
from runner_agent.link.periods import Periods
from runner_agent.messages import Answer, Command, Question
from runner_agent.outbox import Outbox
from runner_agent.session_messages import (
    Goodbye,
    Heartbeat,
    Hello,
    InputRecorded,
    ReportReceived,
    ResultsReceived,
    Welcome,
)
from runner_agent.together import until_one_ends

CALL_S = 30.0  # for an answer that travels as a call of its own
QUESTIONS_AHEAD = 64  # questions that wait while others are answered
QUESTIONS_AT_ONCE = 8
ANSWER_INLINE = 64 * 1024  # bytes; a larger answer travels as a call of its own

logger = logging.getLogger(__name__)


class Runner(Protocol):
    """What a Session needs of the Runner it speaks for."""

    outbox: Outbox

    async def hello(self) -> Hello: ...
    def offered(self, tools: bytes) -> None: ...
    async def command(self, command: Command) -> None: ...
    async def answer(self, question: Question) -> Answer:
        """Raises nothing: an error is an Answer too."""

    async def report_received(self, pod: str) -> None: ...
    async def results_received(self, ids: tuple[str, ...]) -> None: ...
    def running_pods(self) -> int: ...


class Session:
    """`owed` counts the terminal bytes that nobody has acknowledged yet."""

    def __init__(
        self,
        attached: Attached,
        runner: Runner,
        periods: Periods,
        owed: Callable[[], int] = lambda: 0,
    ) -> None:
        self._periods, self._owed = periods, owed
        self._attached, self._runner, self._outbox = attached, runner, runner.outbox
        self._call, self._stub = attached.call, attached.stub
        self._questions: asyncio.Queue[Question] = asyncio.Queue(QUESTIONS_AHEAD)
        self._heard_at = 0.0
        self.trusted, self.heard_whom = "", asyncio.Event()  # whom the server trusts now
        self._ended: Ended | None = None
        self._may_end = asyncio.Event()
        self._may_end.set()

    async def serve(self, *beside: Coroutine[Any, Any, None]) -> Ended:
        """Speak and listen until the Session ends, or one of the jobs `beside` does."""
        self._heard_at = self._now()
        self._outbox.attached()
        answering = [self._answer() for _ in range(QUESTIONS_AT_ONCE)]
        own = [self._listen(), self._speak(), self._beat(), self._watch()]
        await until_one_ends(*(self._in_its_time(job) for job in own), *answering, *beside)
        return self._ended or Ended("The Session was left.")

    @contextlib.contextmanager
    def being_replaced(self) -> Iterator[None]:
        """Inside, the Gateway may end this Session because of the next one: it waits for that."""
        self._may_end.clear()
        try:
            yield
        finally:
            self._may_end.set()

    # ---- the jobs

    async def _listen(self) -> None:
        try:
            await self._read()
        except aio.AioRpcError as error:
            self._end(broken(error))

    async def _read(self) -> None:
        while isinstance(message := await self._call.read(), pb.ToRunner):
            self._heard_at = self._now()
            try:
                heard = wire.decode(message)
            except wire.WireError as error:
                logger.warning("%s", error)
                continue
            if isinstance(heard, Goodbye):
                self._end(Ended(heard.text, goodbye=heard))
                return
            await self._take(heard)
        self._end(Ended("The Gateway ended the Session."))

    async def _take(self, heard: wire.Incoming) -> None:
        match heard:
            case Command():
                await self._runner.command(heard)
            case Question():
                self._ask(heard)
            case Heartbeat(sent_at_ms, 0, trusted=trusted):
                self._outbox.heartbeat(self._heartbeat(echo_ms=sent_at_ms))
                self.trusted = trusted
                self.heard_whom.set()
            case ReportReceived(pod):
                await self._runner.report_received(pod)
            case ResultsReceived(ids):
                await self._runner.results_received(ids)
            case InputRecorded(bursts):
                self._outbox.input_recorded(bursts)
            case Heartbeat() | Welcome() | Goodbye():
                pass  # an answer to ours; the others come but once

    async def _speak(self) -> None:
        try:
            await self._write()
        except (aio.AioRpcError, asyncio.InvalidStateError):
            await asyncio.Event().wait()  # the stream has ended: the listener hears why

    async def _write(self) -> None:
        while True:
            message = await self._outbox.next()
            if not wire.is_spoken(message, self._attached.welcome.protocol):
                continue
            await self._call.write(wire.encode(message))
            if isinstance(message, Goodbye):
                await self._call.done_writing()
                await asyncio.sleep(self._periods.goodbye)
                self._end(Ended("This Runner said goodbye."))
                return

    async def _beat(self) -> None:
        while True:
            self._outbox.heartbeat(self._heartbeat())
            self._outbox.repeat_unconfirmed()
            await asyncio.sleep(self._periods.heartbeat)

    async def _watch(self) -> None:
        silence = self._periods.silence
        while (left := self._heard_at + silence - self._now()) > 0:  # noqa: ASYNC110 - a word only puts it off
            await asyncio.sleep(left)
        self._end(Ended(f"Nothing was heard from {self._attached.gateway} for {silence:g} s."))

    def _ask(self, question: Question) -> None:
        try:
            self._questions.put_nowait(question)
        except asyncio.QueueFull:
            self._outbox.answer(
                Answer(question.id, error_code="busy", error="The Runner has too many questions.")
            )

    async def _answer(self) -> None:
        while True:
            answer = await self._runner.answer(await self._questions.get())
            if len(answer.body) <= ANSWER_INLINE:
                self._outbox.answer(answer)
                continue
            try:
                await self._stub.SendAnswer(wire.answer(answer), timeout=CALL_S)
            except aio.AioRpcError as error:
                logger.warning("an answer was not taken: %s", error.details())

    # ---- inside

    async def _in_its_time(self, job: Coroutine[Any, Any, None]) -> None:
        await job
        await self._may_end.wait()

    def _end(self, ended: Ended) -> None:
        """The first reason stands. That we replace it ourselves is no reason to stay away."""
        ours = not self._may_end.is_set()
        self._ended = self._ended or (Ended(ended.text) if ours else ended)

    def _heartbeat(self, echo_ms: int = 0) -> Heartbeat:
        return Heartbeat(
            time.time_ns() // 1_000_000, echo_ms, self._runner.running_pods(), self._owed()
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
