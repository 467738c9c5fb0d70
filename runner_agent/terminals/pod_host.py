"""One Pod's host as the daemon sees it: living, ended or lost."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from runner_agent.podhost import ending, family, files
from runner_agent.terminals.host_link import HostLink, Typing
from runner_agent.terminals.live_screen import LiveScreen
from runner_agent.terminals.logs import PodLog

TYPED_AHEAD = 4 << 20  # bytes that may wait for an agent that does not read
SIZE_MAX = 1000  # cols and rows
ECHO_S = 0.5
ANSWER_S = 2.0  # within which a host that works answers
FORCE_S = ending.GIVE_UP_S + 3.0  # after the grace; a host that has not ended by then hangs
LOST = -1  # the exit code shown for a lost Pod: its PTY hung up

logger = logging.getLogger(__name__)


class HostError(Exception):
    """A Pod host that cannot be started or reached; the message names the cause."""


class PodHost:
    """`end`: bytes its Terminal has produced; `size`: cols, rows. `exit_code` is None while it runs (negative:
    ended by that signal). `lost`: gone without a word, `reason` says more. `asked`: it ended because it was told
    to. `last_output` and `last_input` are times of the loop, 0 before the first.
    """

    def __init__(self, pod: str, directory: Path) -> None:
        self.pod, self.directory = pod, directory
        self.pid = self.end = 0
        self.size = (80, 24)
        self.exit_code: int | None = None
        self.asked = self.lost = False
        self.reason = ""
        self.last_output = self.last_input = 0.0
        self._met_at = asyncio.get_running_loop().time()
        self.log = PodLog(directory / "log")
        self.live = LiveScreen(self.log, self._answer, self._caught_up)
        self.on_change: set[Callable[[PodHost], None]] = set()  # more output, another size, the end
        self.on_taken: set[Callable[[PodHost, str, int], None]] = set()
        self.on_typed: set[Callable[[PodHost, Typing, int, bool], None]] = set()
        self.on_broken: Callable[[PodHost], None] | None = None
        self.link: HostLink | None = None
        self.typing: deque[Typing] = deque()
        self._typing_bytes = 0
        self._changed = asyncio.Event()
        self.limit_now = 0  # output the host may read up to; 0: no limit

    @property
    def running(self) -> bool:
        return self.exit_code is None and not self.lost

    # ---- what may be asked of it

    async def input(self, data: bytes, writer: str = "", position: int = 0) -> None:
        """Type; returns when the PTY took all of it. HostError when the Pod ends before that."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if refused := self._queue(Typing(writer.encode(), position, data, done)):
            raise HostError(f"{self.pod} does not take what is typed: {refused}")
        try:
            await done
        except ConnectionError as error:
            raise HostError(f"{self.pod}: {error}") from error

    def type(self, data: bytes, writer: str = "", position: int = 0) -> str:
        """The same without waiting; why it is not typed ("ended" or "busy"), or "". With a writer, `on_taken`
        says how far the PTY took it, or, should bytes before these be missing, where to go on."""
        return self._queue(Typing(writer.encode(), position, data))

    def resize(self, cols: int, rows: int) -> None:
        if self.link is not None:
            self.link.resize(*fitting(cols, rows))

    def signal(self, signo: int, *, everyone: bool = False) -> None:
        """To the agent's process group, or to every process that descends from the Pod."""
        if self.link is not None:
            self.link.signal(signo, everyone=everyone)

    def terminate(self, grace_s: float) -> None:
        """SIGHUP now, SIGTERM at half the grace, SIGKILL at its end; done by the host, so a restart of the
        daemon does not interrupt it. Repeatable; the shorter grace holds."""
        if self.link is not None:
            self.link.terminate(grace_s)

    async def end_within(self, grace_s: float) -> int | None:
        """Terminate, and wait as `ended()`. A host that hangs is killed with all that is in it; the Pod is lost
        then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s + FORCE_S):
                await self.reached()
                self.terminate(grace_s)
                return await self.ended()
        logger.warning("the host of %s does not end it: both are killed", self.pod)
        while self.running and (process := self.host_process()) is not None:
            family.kill(process)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ending.KILL_AGAIN_S):
                    await self.ended()
        return await self.ended()

    def quiet_s(self) -> float:
        """Seconds since its last output, also if that was before this daemon began."""
        now = asyncio.get_running_loop().time()
        if self.last_output:
            return now - self.last_output
        wrote_ms = self.log.time_at(self.end - 1) if self.end else 0
        return max(0.0, time.time() - wrote_ms / 1000) if wrote_ms else now - self._met_at

    async def ended(self) -> int | None:
        """The exit code; None when the host is lost. No process of the Pod is left then."""
        while self.running:
            await self._change()
        return self.exit_code

    async def reached(self) -> None:
        """Until this daemon and the host talk with each other, or the Pod has ended."""
        while self.running and not (self.link and self.link.met.done()):
            await self._change()

    async def answers(self) -> bool:
        """Whether daemon and host talk with each other now; an ended Pod has nothing to say."""
        if not self.running:
            return True
        if self.link is None:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self.link.echo()
                return True
        return False

    async def output_after(self, offset: int) -> int:
        """Wait until the Terminal has more than `offset` bytes or has ended; the end then."""
        while self.running and self.end <= offset:
            await self._change()
        return self.end

    async def echo(self) -> bool:
        """Whether the PTY echoes what is typed (at a password prompt it does not)."""
        if self.link is None:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ECHO_S):
                return await self.link.echo()
        return False

    def limit(self, offset: int) -> None:
        """Let the host read no further than this; 0: as far as it can. Ends with the connection."""
        if offset != self.limit_now and self.link is not None:
            self.limit_now = offset
            self.link.limit(offset)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    # ---- typing

    def _queue(self, typing: Typing) -> str:
        if not self.running:
            return "ended"
        if self._typing_bytes + len(typing.data) > TYPED_AHEAD:
            return "busy"
        self.last_input = asyncio.get_running_loop().time()
        self._typing_bytes += len(typing.data)
        self.typing.extend(typing.cut())
        if self.link is not None:
            self.link.type()
        return ""

    def typed(self, typing: Typing, position: int, *, hidden: bool) -> None:
        self._typing_bytes -= len(typing.data)
        for note in tuple(self.on_typed):
            note(self, typing, position, hidden)
        typing.finish()
        if typing.writer:
            for hear in tuple(self.on_taken):
                hear(self, typing.writer.decode(), position)

    def not_typed(self, typing: Typing) -> None:
        self._typing_bytes -= len(typing.data)
        typing.finish(ConnectionError("the connection to its host broke; perhaps it was typed"))

    # ---- what the host says

    def hello(self, end: int, seen: int, pid: int, size: tuple[int, int]) -> None:
        self.pid, self.end, self.size = pid, max(self.end, end), size
        self.live.begin(seen, end, size)
        self._tell_change()

    def more(self, end: int) -> None:
        if end > self.end:
            self.end = end
            self.last_output = asyncio.get_running_loop().time()
        self._tell_change()
        self.live.more(end)

    def resized(self, size: tuple[int, int]) -> None:
        self.size = size

    def exited(self, code: int, end: int, *, asked: bool) -> None:
        self.exit_code, self.asked = code, asked
        self._has_ended(end)

    def broken(self) -> None:
        self.link, self.limit_now = None, 0
        if self.running and not self.settle() and self.on_broken is not None:
            self.on_broken(self)

    # ---- without a host

    def settle(self) -> bool:
        """Read what the host left behind; False while it lives."""
        ended = files.read_json(str(self.directory / "exit.json"))
        if ended is not None:
            self.exit_code, self.asked = int(ended["code"]), bool(ended["asked"])
            self._has_ended(int(ended["end"]))
        elif self.host_process() is None:
            self.lost, self.reason = True, self._why_lost()
            self._has_ended(self.log.end())
        return not self.running

    def host_process(self) -> int | None:
        return files.holder(str(self.directory / "host.lock"))

    def _why_lost(self) -> str:
        crash = files.read_json(str(self.directory / "crash.json"))
        if crash is not None:
            return f"its host failed: {crash['error']}"
        meta = files.read_json(str(self.directory / "meta.json"))
        if meta is not None and meta["boot_id"] != files.boot_id():
            return "the machine was restarted"
        return "its host was killed"

    def _has_ended(self, end: int) -> None:
        self.end = end
        self.size = self.log.size_at(max(end, self.log.first())) or self.size
        while self.typing:
            self.typing.popleft().finish(ConnectionError("it has ended"))
        self._typing_bytes = 0
        self.live.begin(0, end, self.size)
        self._tell_change()

    def _tell_change(self) -> None:
        self._changed.set()
        for hear in tuple(self.on_change):
            hear(self)

    # ---- the screen

    def _answer(self, offset: int, data: bytes) -> None:
        if self.link is not None:
            self.link.answer(offset, data)

    def _caught_up(self, offset: int) -> None:
        if self.link is not None:
            self.link.seen(offset)

    def close(self) -> None:
        """Let go of it; the Pod goes on."""
        if self.link is not None:
            self.link.close()
        self.live.close()
        self.log.close()


def fitting(cols: int, rows: int) -> tuple[int, int]:
    """A size that a Terminal can have."""
    return min(max(1, cols), SIZE_MAX), min(max(1, rows), SIZE_MAX)
