"""The daemon's side of the Pod hosts: spawn them, find them again after a restart, keep in touch, end them all."""

import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from runner_agent.config import Config
from runner_agent.terminals.host_link import HostLink
from runner_agent.terminals.pod_host import HostError, PodHost, fitting
from runner_agent.terminals.template import ask_template, template_argv

REACH_S = 0.5  # for one host, after a restart
AGAIN_S = 0.5  # between two tries to reach a host that is silent
AT_ONCE = 32  # hosts met at the same time
SOCKET_PATH_MAX = 107

__all__ = ["HostError", "Launch", "PodHost", "PodHosts", "end_all", "template_argv"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """`argv` is run as given (confined by the caller) with exactly `env`."""

    pod: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    cols: int = 80
    rows: int = 24


class PodHosts:
    """`async with PodHosts(config) as hosts:` keeps in touch with the hosts; leaving it harms no Pod."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.starting: set[str] = (
            set()
        )  # Pods whose host is yet to come: a feed of theirs is asked to wait
        self.on_met: set[Callable[[PodHost], None]] = set()  # a host that was not here before
        self._hosts: dict[str, PodHost] = {}
        self._broken: set[PodHost] = set()
        self._news = asyncio.Event()
        self._screens_loaded = False

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        self._tasks = [
            self._group.create_task(self._keep_in_touch()),
            self._group.create_task(self._load_screens()),
        ]
        return self

    async def __aexit__(self, *exc: Any) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            await self._group.__aexit__(*exc)
        finally:
            for pod in list(self._hosts):
                self.forget(pod)
            await asyncio.sleep(0)  # connections are closed in the loop's next turn

    def get(self, pod: str) -> PodHost | None:
        return self._hosts.get(pod)

    def __iter__(self) -> Iterator[PodHost]:
        return iter(list(self._hosts.values()))

    def forget(self, pod: str) -> None:
        """Close what is open of it; before its directory is removed."""
        host = self._hosts.pop(pod, None)
        if host is not None:
            self._broken.discard(host)
            host.on_broken = None
            host.close()

    async def spawn(self, launch: Launch) -> PodHost:
        """Idempotent by Pod. A command that cannot be run: a host that ended with 127 and said why in its log."""
        cols, rows = fitting(launch.cols, launch.rows)
        request = {
            "directory": str(self._directory(launch.pod)),
            "socket": str(self._socket(launch.pod)),
            "argv": launch.argv,
            "env": launch.env,
            "cwd": launch.cwd,
            "cols": cols,
            "rows": rows,
            "log_max": self.config.log_max,
        }
        answer = await ask_template(self.config, json.dumps(request).encode())
        if "error" in answer:
            raise HostError(f"no host for {launch.pod}: {answer['error']}")
        host = await self._meet(launch.pod)
        if host is None:
            raise HostError(f"the host of {launch.pod} left no trace; see its crash.json")
        return host

    async def adopt(self) -> list[PodHost]:
        """Every Pod this home knows: living, ended, or lost. At most 0.5 s is spent on each."""
        room = asyncio.Semaphore(AT_ONCE)

        async def meet(pod: str) -> PodHost | None:
            async with room:
                return await self._meet(pod)

        pods = [path.name for path in self.config.pods.iterdir() if path.is_dir()]
        async with asyncio.TaskGroup() as group:
            met = [group.create_task(meet(pod)) for pod in pods]
        return [host for task in met if (host := task.result()) is not None]

    # ---- meeting one

    def _directory(self, pod: str) -> Path:
        return self.config.pods / pod

    def _socket(self, pod: str) -> Path:
        path = self.config.sockets / f"{pod}.sock"
        if len(os.fsencode(path)) > SOCKET_PATH_MAX:
            raise HostError(f"{path} is too long for a socket. Set MESH_RUNNER_SOCKETS.")
        return path

    async def _meet(self, pod: str) -> PodHost | None:
        """None: no host was ever started for it."""
        known = self._hosts.get(pod)
        if known is not None:
            return known
        directory = self._directory(pod)
        if not any((directory / name).exists() for name in ("host.lock", "exit.json")):
            return None
        host = self._hosts[pod] = PodHost(pod, directory)
        host.on_broken = self._is_broken
        if self._screens_loaded:
            host.live.allow()
        if not host.settle() and not await self._reach(host):
            self._is_broken(host)
        for hear in tuple(self.on_met):
            hear(host)
        return host

    def _is_broken(self, host: PodHost) -> None:
        self._broken.add(host)
        self._news.set()

    async def _reach(self, host: PodHost) -> bool:
        path = self._socket(host.pod)
        process = host.host_process()
        if process is not None and not path.exists():
            os.kill(process, signal.SIGUSR1)  # somebody cleaned the sockets away: it listens anew
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(REACH_S):
                return await self._connect(host, path)
        return not host.running

    async def _connect(self, host: PodHost, path: Path) -> bool:
        loop = asyncio.get_running_loop()
        while host.running:
            try:
                key = (host.directory / "host.key").read_bytes()
                link = HostLink(host, key, host.typing)
                await loop.create_unix_connection(partial(HostLink.itself, link), str(path))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.01)  # it is about to listen
                continue
            host.link = link
            return await link.met
        return True

    async def _load_screens(self) -> None:
        await asyncio.to_thread(importlib.import_module, "runner_agent.terminals.screen")
        self._screens_loaded = True
        for host in self:
            host.live.allow()

    async def _keep_in_touch(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            for host in tuple(self._broken):
                if host.settle() or await self._reach(host):
                    self._broken.discard(host)
                else:
                    logger.warning("the host of %s does not answer", host.pod)
            if self._broken:
                await asyncio.sleep(AGAIN_S)
                self._news.set()


async def end_all(config: Config, grace_s: float = 5.0) -> int:
    """End all Pods of this home without a server; how many ran."""
    async with PodHosts(config) as hosts:
        living = [host for host in await hosts.adopt() if host.running]
        async with asyncio.TaskGroup() as group:
            for host in living:
                group.create_task(host.end_within(grace_s))
    return len(living)
