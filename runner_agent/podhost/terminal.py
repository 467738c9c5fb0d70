"""The PTY between its log and what is to be typed. Never waits; says what to poll for and until when."""

import mmap
import os
import select

from runner_agent.podhost import agent
from runner_agent.podhost.inputs import Inputs
from runner_agent.podhost.log import LogWriter
from runner_agent.podhost.pacing import Pacing

TURN = 1 << 16  # bytes of output taken before others are looked at
READS_A_TURN = 64
TYPED_AT_ONCE = 1 << 16
RETRY_S = 0.3  # disk full; or no process has the PTY open just now


class Terminal:
    def __init__(self, log: LogWriter, size: tuple[int, int]) -> None:
        self.fd = -1  # until there is an agent
        self.size = size  # cols, rows
        self.log, self.inputs, self.pacing = log, Inputs(), Pacing()
        self.paced = True  # False once the Pod is leaving: its last words are not held up
        self._closed_until = 0.0  # no process has the PTY open; look again then
        self._buffer = memoryview(mmap.mmap(-1, TURN))  # pages that are never used cost nothing
        self._events = 0

    def watch(self, poll: select.epoll, now: float) -> None:
        """Ask for what can be done now, and for nothing else: a hang-up would not let epoll rest."""
        if self.log.held:
            self.log.retry()
        if self._closed_until <= now:
            self._closed_until = 0.0
        self.pacing.lift_if_stalled(self.log.end, now)
        reads = not self._closed_until and self._room() > 0
        events = (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if self.inputs.pending else 0)
        if self.fd < 0 or events == self._events:
            return
        if not self._events:
            poll.register(self.fd, events)
        elif events:
            poll.modify(self.fd, events)
        else:
            poll.unregister(self.fd)
        self._events = events

    def wake_at(self, now: float) -> float | None:
        times = (
            now + RETRY_S if self.log.held else None,
            self._closed_until or None,
            self.pacing.lifts_at(self.log.end, now) if self.paced else None,
        )
        return min((at for at in times if at is not None), default=None)

    def _room(self) -> int:
        if self.log.held:
            return 0
        room = self.pacing.room(self.log.end) if self.paced else None
        return TURN if room is None else min(TURN, room)

    def pump(self, now: float) -> int:
        """From the PTY to the log; how many bytes."""
        room, filled = self._room(), 0
        try:
            for _ in range(READS_A_TURN):
                if filled >= room:
                    break
                filled += os.readv(self.fd, [self._buffer[filled:room]])
        except BlockingIOError:
            pass
        except OSError:  # EIO: no process has it open; one may open it again
            self._closed_until = now + RETRY_S
        if filled:
            self.log.append(self._buffer[:filled])
        return filled

    def type(self) -> None:
        """As much of what is pending as the PTY takes."""
        pending = self.inputs.pending
        while pending:
            try:
                hidden = agent.hides(self.fd)
                self.inputs.typed(os.write(self.fd, pending[:TYPED_AT_ONCE]), hidden=hidden)
            except BlockingIOError:
                return
            except OSError:  # nobody is there to read it
                pending.clear()

    def resize(self, cols: int, rows: int, now: float) -> bool:
        """Whether that changed it."""
        if self.fd < 0 or (cols, rows) == self.size or not (cols and rows):
            return False
        self.pump(now)  # written for the old size
        self.size = cols, rows
        self.log.resized(cols, rows)
        agent.resize(self.fd, cols, rows)
        return True
