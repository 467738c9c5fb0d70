"""Git on repositories that only the Runner writes: the clone cache, and a Workspace before its agent starts.

A repository that an agent can write is looked at through git_view.py only.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from git import Git, GitCommandError
from git.cmd import handle_process_output

AT_ONCE = 16  # clones, fetches and checkouts side by side; further ones wait their turn
_THREADS = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="git")
_SAID_LINES = 12  # of standard error, for the sentence that says what went wrong

SAFE = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "http.followRedirects=false", "-c", "transfer.fsckObjects=true"),
    *("-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c", "advice.detachedHead=false"),
    *("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"),
)
# A person's own credentials serve the Runner's clones; nothing may wait for a person to answer.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oPermitLocalCommand=no -oConnectTimeout=15",
    "LC_ALL": "C.UTF-8",
}
_PROGRESS = ("remote: ", "Receiving", "Resolving", "Updating", "Cloning", "Counting", "Checking")


class GitError(Exception):
    """`said`: what git said went wrong."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


async def git(
    *words: str,
    cwd: Path,
    protocol: str = "",
    timeout_s: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """What it printed. `protocol` is the only one it may speak; `on_line` gets its progress, in the loop's thread.

    GitError when it fails or takes too long. Cancellation ends it and waits until it has ended.
    """
    loop = asyncio.get_running_loop()
    allowed = ("-c", f"protocol.{protocol}.allow=always") if protocol else ()
    command = ["git", *SAFE, "-c", "protocol.allow=never", *allowed, *words]

    def say(line: str) -> None:
        if on_line:
            loop.call_soon_threadsafe(on_line, line)

    running = _Running(command, cwd, say)
    future = loop.run_in_executor(_THREADS, running.finish)
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(future)
    except TimeoutError as error:
        raise GitError(f"it took more than {timeout_s:.0f} seconds") from error
    finally:
        if not future.done():
            running.kill()
            await asyncio.wait([future])
            future.exception()  # that it was killed is no news


class _Running:
    def __init__(self, command: list[str], cwd: Path, say: Callable[[str], None]) -> None:
        self._command, self._cwd, self._say = command, cwd, say
        self._lock = threading.Lock()
        self._process: Any = None
        self._killed = False

    def finish(self) -> str:
        with self._lock:
            if self._killed:
                raise GitError("it was not begun")
            self._process = Git(self._cwd).execute(
                self._command,
                as_process=True,
                env=_ENVIRONMENT,
                universal_newlines=True,
                start_new_session=True,
            )
        printed: list[str] = []
        said: list[str] = []

        def heard(line: str) -> None:
            line = line.strip()
            if line and not line.startswith("Cloning into"):
                self._say(line)
            if not line.startswith(_PROGRESS):
                said.append(line)

        handle_process_output(self._process, printed.append, heard, decode_streams=False)
        try:
            self._process.wait()
        except GitCommandError as error:
            raise GitError(_sentence(said)) from error
        return "".join(printed)

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            if self._process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.proc.pid, signal.SIGKILL)


def _sentence(said: list[str]) -> str:
    telling = [line for line in said[-_SAID_LINES:] if line]
    fatal = [line for line in telling if line.startswith(("fatal:", "error:", "ERROR:"))]
    return "; ".join(fatal or telling) or "git failed without a word"
