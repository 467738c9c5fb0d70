"""One Pod's host: a loop over its Terminal and its socket, until no process of the Pod is left."""

import gc
import os
import select
import signal
import time
from typing import Any

from runner_agent.podhost import agent, family, files, wire
from runner_agent.podhost.clients import Client, Clients
from runner_agent.podhost.ending import Ending
from runner_agent.podhost.log import LogWriter
from runner_agent.podhost.terminal import TYPED_AT_ONCE, Terminal

GRACE_MAX_S = 3600.0
HELD_AT_END_S = 3.0  # how long a full disk may keep an ended Pod from ending

_clock = time.monotonic


class Host:
    def __init__(self, launch: dict[str, Any]) -> None:
        self._launch, self._directory = launch, launch["directory"]
        size = launch["cols"], launch["rows"]
        log = LogWriter(self._directory + "/log", launch["log_max"], *size)
        self._terminal, self._ending = Terminal(log, size), Ending()
        self._seen = 0  # a daemon has dealt with the output before this offset
        self.pid = 0
        self._code: int | None = None
        self._ended_at = 0.0
        self._children = True
        self._frames = {
            wire.INPUT: self._on_input,
            wire.REPLY: self._on_reply,
            wire.RESIZE: self._on_resize,
            wire.SIGNAL: self._on_signal,
            wire.LIMIT: self._on_limit,
            wire.SEEN: self._on_seen,
            wire.ASK_ECHO: self._on_ask_echo,
            wire.TERMINATE: self._on_terminate,
        }

    def start(self) -> None:
        """Start the agent, or record why it cannot be; `pid` is 0 then."""
        gc.disable()  # a loop without cycles; collecting would only touch shared pages
        self._poll = select.epoll()
        self._wakes, self._wakes_from = _wake_on(signal.SIGCHLD, signal.SIGUSR1)
        self._poll.register(self._wakes, select.EPOLLIN)
        family.keep_orphans()
        files.reserve(self._directory + "/exit.json")
        try:
            self._process = agent.start(self._launch)  # kept: closing it would end the agent
            self.pid, self._terminal.fd = self._process.pid, self._process.fd
        except agent.NotRunError as error:
            self._terminal.log.append(memoryview(f"{error}\r\n".encode()))
            self._code, self._children = agent.NOT_RUN, False
        key = files.new_key(self._directory + "/host.key")
        self._clients = Clients(self, self._poll, self._launch["socket"], key)
        meta = {
            "pid": self.pid,
            "host": os.getpid(),
            "started_ms": int(time.time() * 1000),
            "boot_id": files.boot_id(),
            "protocol": wire.VERSION,
        }
        files.write_json(self._directory + "/meta.json", meta)

    def run(self) -> None:
        while True:
            now = _clock()
            self._send_due(now)
            self._terminal.watch(self._poll, now)
            self._clients.tell_end(self._terminal.log.end)
            if self._finished(now):
                break
            for fd, events in self._poll.poll(self._timeout(now)):
                self._ready(fd, events)
        self._finish()

    def close(self) -> None:
        """For a host that is not the end of its process, once its agent has ended."""
        signal.set_wakeup_fd(-1)
        for fd in (self._wakes, self._wakes_from, self._process.fd):
            os.close(fd)
        self._process.closed = True  # it would wait for a child that is reaped
        self._poll.close()

    def _timeout(self, now: float) -> float | None:
        times = (self._ending.next_at(), self._terminal.wake_at(now))
        soonest = min((at for at in times if at is not None), default=None)
        return None if soonest is None else max(0.0, soonest - now)

    def _ready(self, fd: int, events: int) -> None:
        if fd == self._terminal.fd:
            if events & select.EPOLLOUT:
                self._type()
            if events & (select.EPOLLIN | select.EPOLLHUP):
                self._terminal.pump(_clock())
        elif fd == self._wakes:
            if signal.SIGUSR1 in os.read(self._wakes, 256):
                self._clients.listen()
            self._reap()
        else:
            self._clients.ready(fd)

    def _type(self) -> None:
        self._terminal.type()
        if len(self._terminal.inputs.pending) < TYPED_AT_ONCE:
            self._clients.hear_all()

    # ---- the end

    def _reap(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self.pid:
                    self._code = os.waitstatus_to_exitcode(status)
                    self._ended_at = _clock()
                    self._ending.agent_ended(self._ended_at)
                    self._terminal.paced = False
        except ChildProcessError:
            self._children = False

    def _send_due(self, now: float) -> None:
        for signo in self._ending.due(now):
            everyone = signo != signal.SIGHUP or self._code is not None
            self._signal(signo, everyone=everyone)
            if signo != signal.SIGKILL:
                self._signal(signal.SIGCONT, everyone=everyone)  # a stopped one would not hear it

    def _signal(self, signo: int, *, everyone: bool) -> None:
        chosen = family.descendants(os.getpid())
        if not everyone:
            groups = {self.pid, _foreground(self._terminal.fd)}
            chosen = [process for process in chosen if process.group in groups]
        if signo != signal.SIGKILL:
            chosen = [process for process in chosen if not process.jailer]
        family.send(signo, chosen)

    def _finished(self, now: float) -> bool:
        if self._code is None or (self._children and not self._ending.given_up(now)):
            return False
        while self._terminal.fd >= 0 and self._terminal.pump(now):
            continue
        return not self._terminal.log.held or now - self._ended_at > HELD_AT_END_S

    def _finish(self) -> None:
        log = self._terminal.log
        ended: dict[str, object] = {
            "code": self._code,
            "end": log.end,
            "asked": self._ending.asked,
            "ended_ms": int(time.time() * 1000),
            "lost_bytes": len(log.held),  # the last words of an agent on a full disk
            "left": len(family.descendants(os.getpid())),  # processes that hang in the kernel
        }
        files.write_reserved(self._directory + "/exit.json", ended)
        exited = wire.EXITED_BODY.pack(self._code or 0, log.end, self._ending.asked)
        self._clients.tell(wire.EXITED, exited)
        self._clients.close()

    # ---- what clients ask

    def hello(self) -> bytes:
        end = self._terminal.log.end
        return wire.HELLO_BODY.pack(wire.VERSION, end, self._seen, self.pid, *self._terminal.size)

    def frame(self, client: Client, kind: int, payload: bytes) -> None:
        handler = self._frames.get(kind)
        if handler is not None:  # a newer daemon may know more
            handler(client, payload)

    def gone(self, client: Client) -> None:
        self._terminal.pacing.limit(client, 0)

    def _on_input(self, client: Client, payload: bytes) -> None:
        self._terminal.inputs.take(client, *wire.read_written(payload))
        self._type()
        if self._terminal.inputs.full:
            self._clients.hush(client)

    def _on_reply(self, _client: Client, payload: bytes) -> None:
        (offset,) = wire.OFFSET.unpack_from(payload)
        if offset > self._seen:  # else another daemon has answered
            self._seen = offset
            self._terminal.inputs.type(payload[wire.OFFSET.size :])
            self._type()

    def _on_resize(self, _client: Client, payload: bytes) -> None:
        cols, rows = wire.SIZE.unpack(payload)
        if self._terminal.resize(cols, rows, _clock()):
            resized = wire.RESIZED_BODY.pack(self._terminal.log.end, cols, rows)
            self._clients.tell(wire.RESIZED, resized)

    def _on_signal(self, _client: Client, payload: bytes) -> None:
        signo, everyone = wire.SIGNAL_BODY.unpack(payload)
        self._signal(signo, everyone=bool(everyone))

    def _on_limit(self, client: Client, payload: bytes) -> None:
        self._terminal.pacing.limit(client, wire.OFFSET.unpack(payload)[0])

    def _on_seen(self, client: Client, payload: bytes) -> None:
        (offset,) = wire.OFFSET.unpack(payload)
        self._seen = max(self._seen, min(offset, self._terminal.log.end))
        client.seen = offset

    def _on_ask_echo(self, client: Client, _payload: bytes) -> None:
        fd = self._terminal.fd
        client.send(wire.ECHO, bytes((fd >= 0 and agent.echoes(fd),)))

    def _on_terminate(self, _client: Client, payload: bytes) -> None:
        (grace_s,) = wire.GRACE.unpack(payload)
        self._ending.ask(_clock(), min(max(0.0, grace_s), GRACE_MAX_S))
        self._terminal.paced = False


def _wake_on(*signals: int) -> tuple[int, int]:
    """A pipe whose first end is readable after one of these signals, with their numbers as bytes."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for signo in signals:
        signal.signal(signo, _nothing)
    return read, write


def _nothing(_signo: int, _frame: object) -> None:
    """A handler must exist, or the signal would not reach the descriptor."""


def _foreground(pty: int) -> int:
    """The process group that has the terminal now, such as the command a shell runs."""
    try:
        return os.tcgetpgrp(pty)
    except OSError:
        return 0  # none
