"""Processes beside those that a supervisor keeps."""

import subprocess
import time
from pathlib import Path

from tests.journeys.prepared import ROOT


class Process:
    """One more process beside those of the supervisor."""

    def __init__(
        self, command: str, environment: dict[str, str], log: Path, checkout: Path = ROOT
    ) -> None:
        self._what = command, environment, log, checkout
        self.start()

    def start(self) -> None:
        command, environment, log, checkout = self._what
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self, patience: float = 30.0) -> float:
        """SIGTERM; the seconds until it had ended."""
        began = time.monotonic()
        self._process.terminate()
        self._process.wait(patience)
        return time.monotonic() - began
