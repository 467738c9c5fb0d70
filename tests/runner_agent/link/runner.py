"""A Runner that does nothing but note what its link tells it."""

import asyncio
from collections.abc import AsyncGenerator

from runner_agent.messages import Answer, Command, Question, TerminalEvent, TerminalRequest
from runner_agent.outbox import Outbox
from runner_agent.session_messages import Hello

HELLO = Hello(
    version="1",
    boot_id="boot",
    hostname="host",
    os="Linux",
    labels={"zone": "a"},
    capacity=3,
    agents=(),
    isolation="none",
    pods=(),
)


class NotingRunner:
    def __init__(self) -> None:
        self.outbox = Outbox()
        self.commands: asyncio.Queue[Command] = asyncio.Queue()
        self.forgotten: asyncio.Queue[str] = asyncio.Queue()
        self.answer_body = b"{}"

    def offered(self, tools: bytes) -> None:
        self.tools = tools

    async def hello(self) -> Hello:
        return HELLO

    async def command(self, command: Command) -> None:
        self.commands.put_nowait(command)

    async def answer(self, question: Question) -> Answer:
        return Answer(question.id, body=self.answer_body)

    async def report_received(self, pod: str) -> None:
        self.outbox.report_received(pod)
        self.forgotten.put_nowait(pod)

    async def results_received(self, ids: tuple[str, ...]) -> None:
        self.outbox.results_received(ids)
        for one in ids:
            self.forgotten.put_nowait(one)

    def running_pods(self) -> int:
        return 0


class NotingFeeds:
    """`out` holds what to send; an exception in it is raised while sending."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[TerminalRequest] = asyncio.Queue()
        self.out: asyncio.Queue[TerminalEvent | Exception] = asyncio.Queue()
        self.closed = 0

    def handle(self, request: TerminalRequest) -> None:
        self.requests.put_nowait(request)

    async def events(self) -> AsyncGenerator[TerminalEvent, None]:
        while True:
            event = await self.out.get()
            if isinstance(event, Exception):
                raise event
            yield event

    def close_all(self) -> None:
        self.closed += 1

    def unacknowledged(self) -> int:
        return 12
