"""The template that forks Pod hosts: its command line, and what is asked of it."""

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

import runner_agent
from runner_agent.config import Config
from runner_agent.podhost import files
from runner_agent.podhost.files import SPAWN_LOCK, SPAWN_SOCKET
from runner_agent.terminals.pod_host import HostError

SPAWN_S = 10.0
TEMPLATE_S = 5.0  # for a template to come up
PATIENCE_S = 2.0  # the supervisor's own may be about to
IDLE_S = 60  # after which one that we started ends
TRIES = 2  # one that ends just now is missed
PACKET = 1 << 16

logger = logging.getLogger(__name__)


def template_argv(config: Config) -> list[str]:
    """The program of the Procfile's `pods`: to be exec'd, in an environment without secrets."""
    found = importlib.util.find_spec("ptyprocess")
    if found is None or found.origin is None:
        raise HostError("ptyprocess is not installed. Install the Runner again.")
    library = Path(found.origin).parent.parent
    return [sys.executable, "-I", "-S", str(_program()), str(config.sockets), str(library)]


def _program() -> Path:
    return Path(runner_agent.__file__).parent / "podhost" / "__main__.py"


def retire_others(config: Config) -> None:
    """Let new Pods be born of this very code: a template of another release ends within a second, its Pods go on."""
    holder = files.holder(str(config.sockets / SPAWN_LOCK))
    with contextlib.suppress(OSError):
        argv = Path(f"/proc/{holder}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(_program()) not in argv:
            logger.info("the template of another release ends: process %s", holder)
            (config.sockets / SPAWN_SOCKET).unlink()


async def ask_template(config: Config, request: bytes) -> dict[str, Any]:
    """Asked again if it breaks: what it does is idempotent by Pod."""
    failed: Exception | None = None
    for _ in range(TRIES):
        try:
            async with asyncio.timeout(SPAWN_S):
                return await _ask(config, request)
        except (OSError, TimeoutError, ValueError) as error:
            failed = error
    raise HostError(f"the template of Pod hosts does not answer: {failed!r}") from failed


async def _ask(config: Config, request: bytes) -> dict[str, Any]:
    with await _template(config) as sock:
        loop = asyncio.get_running_loop()
        for start in range(0, len(request), PACKET):
            await loop.sock_sendall(sock, request[start : start + PACKET])
        sock.shutdown(socket.SHUT_WR)
        answer: dict[str, Any] = json.loads(await loop.sock_recv(sock, PACKET))
        return answer


async def _template(config: Config) -> socket.socket:
    """Connected; starts one if none serves or is about to."""
    path, lock = config.sockets / SPAWN_SOCKET, str(config.sockets / SPAWN_LOCK)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            return await _dial(path)
    if files.holder(lock) is None:
        await _start_template(config)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TEMPLATE_S):
            return await _dial(path)
    raise HostError("no template of Pod hosts came up. Run `mesh-runner pods` to see why.")


async def _dial(path: Path) -> socket.socket:
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.setblocking(False)  # noqa: FBT003
        try:
            await asyncio.get_running_loop().sock_connect(sock, str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            sock.close()
            await asyncio.sleep(0.02)
        except BaseException:
            sock.close()
            raise
        else:
            return sock


async def _start_template(config: Config) -> None:
    """As nobody's child: it is to outlive this process and its group."""
    logger.info("starting a template of Pod hosts")
    quiet = asyncio.subprocess.DEVNULL
    starter = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        'exec setsid "$@" &',
        "template",
        *template_argv(config),
        str(IDLE_S),
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
        env={"PATH": os.defpath},
    )
    await starter.wait()
