"""Run a program to its end and keep what it printed. Nothing of it is left running."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

OUTPUT_LIMIT = 256 << 10  # bytes kept of each stream; the rest is read and dropped
TIMED_OUT = 124  # exit code, as of timeout(1)
_PIECE = 64 << 10
_LINGER_S = 1.0  # a background child may hold the pipes open that long after the program ended

Heard = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Streams:
    """`stdin`: a descriptor. `heard` gets what is printed on both others as it comes."""

    stdin: int = asyncio.subprocess.DEVNULL
    heard: Heard | None = None


SILENT = Streams()


@dataclass(frozen=True, slots=True)
class Finished:
    """A negative `exit_code`: ended by that signal; in a jail 128 and that signal."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool
    duration_ms: int
    timed_out: bool = False

    def told(self) -> dict[str, Any]:
        """As a Command's result."""
        told = {
            "exit_code": self.exit_code,
            "stdout": self.stdout.decode(errors="replace"),
            "stderr": self.stderr.decode(errors="replace"),
            "truncated": self.truncated,
            "duration_ms": self.duration_ms,
        }
        return told | ({"timed_out": True} if self.timed_out else {})


@dataclass(slots=True)
class _Kept:
    limit: int
    heard: Heard | None = None
    data: bytearray = field(default_factory=bytearray)
    truncated: bool = False

    async def fill(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(_PIECE):
            if self.heard:
                self.heard(piece)
            room = self.limit - len(self.data)
            self.data += piece[:room]
            self.truncated |= len(piece) > room


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    limit: int = OUTPUT_LIMIT,
    streams: Streams = SILENT,
) -> Finished:
    """OSError if it cannot be started. Cancellation and the time limit kill its whole process group."""
    began = time.monotonic()
    stdout, stderr = _Kept(limit, streams.heard), _Kept(limit, streams.heard)
    exit_code = None
    async with _pipe() as (out, out_end), _pipe() as (err, err_end):
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=streams.stdin,
            stdout=out_end,
            stderr=err_end,
            start_new_session=True,
        )
        out_end.close()
        err_end.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    exit_code = await _until_ended(process, stdout.fill(out), stderr.fill(err))
        finally:
            await _kill_group(process)
    return Finished(
        exit_code=TIMED_OUT if exit_code is None else exit_code,
        timed_out=exit_code is None,
        stdout=bytes(stdout.data),
        stderr=bytes(stderr.data),
        truncated=stdout.truncated or stderr.truncated,
        duration_ms=round((time.monotonic() - began) * 1000),
    )


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, IO[bytes]]]:
    """A pipe of our own: with asyncio's, wait() lasts until the last holder of the pipe has ended."""
    read_end, write_end = (
        os.fdopen(fd, mode) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True)
    )
    reader = asyncio.StreamReader()
    with read_end, write_end:  # also when it is cancelled before the loop has taken the pipe
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), read_end
        )
        try:
            yield reader, write_end
        finally:
            transport.close()


async def _until_ended(
    process: asyncio.subprocess.Process, *reading: Coroutine[Any, Any, None]
) -> int:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in reading]
        exit_code = await process.wait()
        _, open_still = await asyncio.wait(tasks, timeout=_LINGER_S)
        for task in open_still:
            task.cancel()
    return exit_code


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
