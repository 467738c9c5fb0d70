"""A daemon's line to its launcher. Without one (started as `mesh-runner daemon` by hand) no release can be switched."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from types import TracebackType
from typing import Any

from runner_agent.messages import CommandError
from runner_agent.update.child import GUARD
from runner_agent.update.launcher import ON_TRIAL

BEAT_S = 0.25  # the launcher waits for ten of them

_ALONE = "This Runner's daemon was not started by `mesh-runner run`, which guards an update. Start it so."


class Guard:
    def __init__(self, line: socket.socket | None) -> None:
        self._line = line
        self._reader: asyncio.StreamReader | None = None
        self._is_on_trial = False

    @classmethod
    def from_environment(cls) -> "Guard":
        """Take the line that the launcher left in the environment; no process that this one starts gets it."""
        held = os.environ.pop(GUARD, "")
        if not held:
            return cls(None)
        line = socket.socket(fileno=int(held))
        line.set_inheritable(False)
        guard = cls(line)
        sys.excepthook = guard._died
        return guard

    def wait_for_turn(self) -> None:
        """Say that all is loaded, and wait until no other daemon serves this home. Ends the process with its launcher."""
        if self._line is None:
            return
        self._line.settimeout(None)
        self._say(word="warm")
        heard = b""
        while not heard.endswith(b"\n"):
            data = self._line.recv(1)
            if not data:
                sys.exit("mesh-runner: the launcher of this daemon has gone")
            heard += data
        self._is_on_trial = json.loads(heard)["text"] == ON_TRIAL

    def beat(self) -> None:
        """From the loop's thread, once. While this release is on trial its launcher hears that the loop turns."""
        if self._is_on_trial:
            self._say(word="alive")
            asyncio.get_running_loop().call_later(BEAT_S, self.beat)

    def healthy(self) -> None:
        """Attached, and in touch with every Pod. Said at each start; it matters on a trial."""
        self._is_on_trial = False
        self._say(word="healthy")

    async def switch(self, version: str, attempt: str) -> str:
        """Ask for the switch; why it was not done. Does not return when it is done: this daemon is told to leave."""
        if self._line is None:
            raise CommandError("no_launcher", _ALONE)
        reader = await self._listen()
        self._say(word="switch", version=version, attempt=attempt)
        while line := await reader.readline():
            said = json.loads(line)
            if said["word"] == "stay":
                return str(said["text"])
        raise CommandError("no_launcher", "The launcher of this daemon has gone.")

    async def _listen(self) -> asyncio.StreamReader:
        if self._reader is None:
            assert self._line  # noqa: S101
            self._reader, self._writer = await asyncio.open_connection(sock=self._line)
        return self._reader

    def _say(self, **word: str) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send(json.dumps(word).encode() + b"\n")

    def _died(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self._say(word="died", text=f"{kind.__name__}: {error}"[:500])
        sys.__excepthook__(kind, error, trace)

    def __repr__(self) -> str:
        return f"Guard({'guarded' if self._line else 'alone'})"

    def close(self) -> None:
        if self._reader is not None:
            self._writer.close()
        elif self._line is not None:
            self._line.close()


def last_words(error: Any) -> str:
    return f"{type(error).__name__}: {error}"
