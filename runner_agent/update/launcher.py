"""`mesh-runner run`: starts the daemon of the newest release and guards a new one. An update does not replace it.

A release on trial comes up beside the daemon that serves, which is told to leave only once the new one says that it is
`warm`. From then on the new one has a minute to say `healthy`, and says meanwhile that it is `alive`; should it end, hang or
not get well, the release before it is started again. Without a trial the launcher only passes signals on, and ends as its daemon does: starting it again is
the work of the service that started the launcher. Standard library only.
"""

import contextlib
import dataclasses
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner_agent.update.child import Child
from runner_agent.update.releases import HEALTHY, TAKEN_BACK, TRYING, Releases, Trial

ON_TRIAL = "on trial"  # said with its turn to a daemon that has to show that it lives
STARTS_MAX = 3  # of one trial: a machine that goes down in each is no reason to try for ever


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds."""

    warm: float = 60.0  # from its start until it has loaded all it needs
    leave: float = 12.0  # for the one that serves, asked to go
    healthy: float = 60.0  # from when the other one has gone
    silent: float = 2.5  # one on trial hangs; to notice it and to start another takes below 5


def main(words: list[str]) -> int:
    """`words` may hold the home."""
    home = words[0] if words else os.environ.get("MESH_RUNNER_HOME") or "~/.mesh-runner"
    return Launcher(Path(home).expanduser().absolute()).run()


class Launcher:
    """`serving` owns the home's lock; `coming` is the next one until it is warm and the other has gone."""

    def __init__(self, home: Path, limits: Limits = Limits()) -> None:
        self._releases, self._limits = Releases(home), limits
        self._trial: Trial | None = None
        self._coming: Child | None = None
        self._attempt = ""
        self._is_warm = self._stopping = False
        self._deadline: float | None = None
        self._serving: Child

    def run(self) -> int:
        """The daemon's exit code, once it has ended and is not to be started again."""
        with _signals(self._stop) as wakeup:
            self._begin()
            while (code := self._judge()) is None:
                self._wait(wakeup)
            self._serving.close()
        return code

    def _wait(self, wakeup: socket.socket) -> None:
        """For a word, a signal, the end of a daemon, or the end of patience; then hear what was said."""
        children = [child for child in (self._serving, self._coming) if child]
        lines = [child.line for child in children if child.hears]
        select.select([wakeup, *lines], [], [], self._patience())
        with contextlib.suppress(BlockingIOError):
            wakeup.recv(4096)
        for child in children:
            for word in child.words():
                self._take(child, word)

    # ---- what a daemon says

    def _take(self, child: Child, word: dict[str, Any]) -> None:
        child.heard_at = time.monotonic()
        match word["word"]:
            case "switch" if child is self._serving and not self._coming and not self._stopping:
                self._attempt = word["attempt"]
                self._coming = Child(self._releases, word["version"])
                self._allow(self._limits.warm)
            case "warm" if child is self._coming:
                self._hand_over(child)
            case "healthy" if child is self._serving and self._trial:
                self._releases.note(dataclasses.replace(self._trial, state=HEALTHY))
                self._trial = self._deadline = None
                _say(f"{child.version} is healthy")
                child.say("kept")
            case "died":
                child.last_words = word["text"]

    def _hand_over(self, coming: Child) -> None:
        self._is_warm = True
        self._trial = Trial(self._attempt, coming.version, self._serving.version)
        self._releases.note(self._trial)
        self._releases.point(coming.version)
        self._serving.end(signal.SIGTERM)
        self._allow(self._limits.leave)

    # ---- what has ended, or takes too long

    def _judge(self) -> int | None:
        """The exit code once all is over."""
        if self._coming:
            self._judge_coming(self._coming)
        if self._coming:
            return None
        if self._serving.code is not None:
            if self._stopping or not self._trial:
                return _exit_code(self._serving.code, stopping=self._stopping)
            self._take_back(self._trial, self._serving.how_it_ended())
        elif self._trial and (why := self._fault()):
            self._take_back(self._trial, why)
        return None

    def _fault(self) -> str:
        """Why the one on trial, which runs, is not to stay; empty: it still may."""
        if self._is_late():
            return f"It was not attached and healthy after {self._limits.healthy:g} s."
        if self._left_of_silence() <= 0:
            return f"It hung: not a word for {self._limits.silent:g} s."
        return ""

    def _judge_coming(self, coming: Child) -> None:
        if self._is_warm:
            if self._is_late():
                self._serving.end(signal.SIGKILL)
            if self._serving.code is not None:
                self._promote(coming)
        elif coming.code is not None:
            self._give_up(coming, coming.how_it_ended())
        elif self._is_late():
            self._give_up(coming, f"It was not ready after {self._limits.warm:g} s.")

    def _give_up(self, coming: Child, why: str) -> None:
        """Before the switch: the one that serves was never disturbed."""
        _say(f"{coming.version} does not come up: {why}")
        coming.close()
        self._coming = self._deadline = None
        self._serving.say("stay", why)

    def _promote(self, coming: Child) -> None:
        self._serving.close()
        self._serving, self._coming, self._is_warm = coming, None, False
        coming.heard_at = time.monotonic()  # it had nothing to say while the other one left
        coming.say("yours", ON_TRIAL)
        self._allow(self._limits.healthy)

    def _take_back(self, trial: Trial, why: str) -> None:
        _say(f"{trial.version} is taken back: {why}")
        self._serving.close()
        self._releases.note(dataclasses.replace(trial, state=TAKEN_BACK, reason=why))
        self._releases.point(trial.previous)
        self._trial = self._deadline = None
        self._serve(self._releases.current)

    # ---- starting and stopping

    def _begin(self) -> None:
        self._trial = self._interrupted_trial()
        if self._trial:
            self._allow(self._limits.healthy)
        self._serve(self._trial.version if self._trial else self._releases.current)

    def _interrupted_trial(self) -> Trial | None:
        """One that the machine, or a kill of the launcher, cut short is tried again; not for ever."""
        trial = self._releases.trial()
        if trial is None:
            return None
        if trial.state == TRYING:
            if trial.starts < STARTS_MAX:
                trial = dataclasses.replace(trial, starts=trial.starts + 1)
            else:
                why = f"It was cut short {trial.starts} times before it was healthy."
                trial = dataclasses.replace(trial, state=TAKEN_BACK, reason=why)
            self._releases.note(trial)
        self._releases.point(trial.previous if trial.state == TAKEN_BACK else trial.version)
        return trial if trial.state == TRYING else None

    def _serve(self, version: str) -> None:
        self._serving = Child(self._releases, version)
        self._serving.say("yours", ON_TRIAL if self._trial else "")

    def _stop(self) -> None:
        self._stopping = True
        for child in (self._serving, self._coming):
            if child:
                child.end(signal.SIGTERM)

    def _allow(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def _patience(self) -> float | None:
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if self._trial and not self._coming:
            left = min(left, self._left_of_silence())
        return max(0.0, left)

    def _left_of_silence(self) -> float:
        return self._serving.heard_at + self._limits.silent - time.monotonic()

    def _is_late(self) -> bool:
        return self._deadline is not None and self._deadline <= time.monotonic()


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[socket.socket]:
    """SIGTERM and SIGINT call `stop`; the socket can be read when one came, or a child has ended."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(0)
    before = {
        number: signal.signal(number, lambda *_: stop())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(theirs.fileno())
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


def _exit_code(code: int, *, stopping: bool) -> int:
    """As a shell has it; asked to stop, its end by that very signal is no failure."""
    if code >= 0:
        return code
    return 0 if stopping else 128 - code


def _say(text: str) -> None:
    sys.stderr.write(f"mesh-runner: {text}\n")
    sys.stderr.flush()
