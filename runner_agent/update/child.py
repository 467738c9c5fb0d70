"""A daemon that the launcher started, and the line between them. Standard library only."""

import contextlib
import ctypes
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from runner_agent.update.releases import Releases

GUARD = "MESH_RUNNER_GUARD"  # names the descriptor of a daemon's line to its launcher
_PDEATHSIG = 1


class Child:
    def __init__(self, releases: Releases, version: str) -> None:
        self.version, self.began = version, time.monotonic()
        self.last_words = ""
        self.line, theirs = socket.socketpair()
        self.line.settimeout(0)
        self.hears = True
        self.heard_at = math.inf  # once it is warm: when it said something last
        self._heard = b""
        prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own programs
                releases.command(version, "daemon", "--home", str(releases.home)),
                env={**os.environ, GUARD: str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
                # a daemon never outlives its launcher: the next one could not start
                preexec_fn=(lambda: prctl(_PDEATHSIG, signal.SIGKILL)) if prctl else None,  # noqa: PLW1509 - one thread
            )

    def words(self) -> list[dict[str, Any]]:
        """What it said since the last call."""
        with contextlib.suppress(BlockingIOError):
            while self.hears:
                data = self._receive()
                self._heard += data
                self.hears = bool(data)
        *lines, self._heard = self._heard.split(b"\n")
        return [json.loads(line) for line in lines]

    def say(self, word: str, text: str = "") -> None:
        with contextlib.suppress(OSError):  # it has ended, which the loop sees
            self.line.sendall(json.dumps({"word": word, "text": text}).encode() + b"\n")

    def end(self, number: int) -> None:
        if self.code is None:
            self.process.send_signal(number)

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self.process.wait()
        self.line.close()

    @property
    def code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self.process.poll()

    def how_it_ended(self) -> str:
        code, after = self.process.wait(), time.monotonic() - self.began
        how = f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
        return f"It {how} after {after:.1f} s. {self.last_words}".strip()

    def _receive(self) -> bytes:
        try:
            return self.line.recv(65536)
        except ConnectionError:
            return b""
