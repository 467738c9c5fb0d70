"""Run an installer to its end, line by line. Nothing of it is left running, whatever happens here."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

WITHIN_S = 1800.0
_QUIET_S = 1.0
_LAST_LINES = 200  # kept, to find the cause in when it fails
_LINE_MAX = 4096
_TIMED_OUT = 124  # as of timeout(1)


@dataclass(frozen=True, slots=True)
class Ended:
    exit_code: int
    lines: tuple[str, ...]  # the last ones

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def timed_out(self) -> bool:
        return self.exit_code == _TIMED_OUT


@dataclass(frozen=True, slots=True)
class Place:
    """`lock` is a descriptor that the process inherits: it is locked as long as the process lives.

    `on_quiet` is called each second without a line.
    """

    cwd: Path
    env: Mapping[str, str]
    lock: int
    on_line: Callable[[str], None]
    on_quiet: Callable[[], None]


async def run(argv: Sequence[str], place: Place, within_s: float = WITHIN_S) -> Ended:
    """OSError if it cannot be started. Cancellation and the time limit kill its whole process group."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=place.cwd,
        env=dict(place.env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        pass_fds=(place.lock,),
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    exit_code = _TIMED_OUT
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await _read(process.stdout, lines, place)
                exit_code = await process.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return Ended(exit_code, tuple(lines))


async def _read(stream: asyncio.StreamReader, lines: deque[str], place: Place) -> None:
    rest = b""
    while True:
        try:
            async with asyncio.timeout(_QUIET_S):
                piece = await stream.read(1 << 16)
        except TimeoutError:
            place.on_quiet()
            continue
        if not piece:
            break
        *whole, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        rest = rest[-_LINE_MAX:]
        for raw in whole:
            if line := raw[:_LINE_MAX].decode(errors="replace").strip():
                lines.append(line)
                place.on_line(line)
    if last := rest.decode(errors="replace").strip():
        lines.append(last)
