"""Each measurement: what it runs, beside what, and the figures that come out."""

import asyncio
import os
import time
from typing import Any, Protocol

import psutil

from bench import peers, programs
from bench.client import Terminal, call, end_pod, start_pod, terminal
from bench.figures import Figure, percentile
from bench.recovery import recovery
from bench.system import System
from bench.talk import talk
from bench.updates import update
from bench.workspaces import workspaces

KEYS = 400
ROUNDS = 3  # each pair is run in turn, so that a slow minute of the machine hits both
FLOOD_BYTES = 100 * 1024 * 1024
PAUSE_S = 0.004  # between keys: a fast typist's is longer, a paste's is shorter


class Typed(Protocol):
    async def type(self, data: bytes) -> None: ...
    async def read(self) -> bytes: ...


async def _echo_ms(terminal_: Typed, keys: int = KEYS) -> list[float]:
    taken = []
    for _ in range(keys):
        began = time.perf_counter()
        await terminal_.type(b"x")
        await terminal_.read()
        taken.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_S)
    return taken[20:]  # the first ones warm up


async def echo(system: System) -> list[Figure]:
    """Keystroke to its echo, against terminado in turn and the bare PTY."""
    ours: list[float] = []
    theirs: list[float] = []
    key = start_pod(system, programs.ECHO)
    for _ in range(ROUNDS):
        async with terminal(system, key) as opened:
            await opened.read_until(b"R")
            await _drain(opened)
            ours += await _echo_ms(opened)
        async with peers.terminado(programs.ECHO) as peer:
            await peer.read_until(b"R")
            theirs += await _echo_ms(peer)
    end_pod(system, key)
    bare = _bare_echo_ms()
    return [
        Figure("echo p50", percentile(ours, 0.5), "ms"),
        Figure("echo p99", percentile(ours, 0.99), "ms"),
        Figure("terminado echo p50", percentile(theirs, 0.5), "ms"),
        Figure("terminado echo p99", percentile(theirs, 0.99), "ms"),
        Figure("bare PTY echo p50", percentile(bare, 0.5), "ms"),
        Figure(
            "echo p50 / terminado", percentile(ours, 0.5) / percentile(theirs, 0.5), "x", "<= 3"
        ),
    ]


async def _drain(opened: Terminal) -> None:
    """Read what is there already, such as the echoes of an earlier round."""
    try:
        while True:
            async with asyncio.timeout(0.3):
                await opened.read()
    except TimeoutError:
        return


def _bare_echo_ms() -> list[float]:
    taken = []
    with peers.bare_pty(programs.ECHO) as master:
        for _ in range(KEYS):
            began = time.perf_counter()
            os.write(master, b"x")
            os.read(master, 64)
            taken.append((time.perf_counter() - began) * 1000)
    return taken


async def flood(system: System) -> list[Figure]:
    """100 MiB through the whole path, against the bare PTY and terminado in turn."""
    ours, bare, theirs = [], [], []
    for _ in range(ROUNDS):
        bare.append(_bare_flood())
        key = start_pod(system, programs.flood(FLOOD_BYTES))
        async with terminal(system, key) as opened:
            await opened.read_until(b"R")
            ours.append(await _flood_rate(opened))
        end_pod(system, key)
        async with peers.terminado(programs.flood(FLOOD_BYTES // 4)) as peer:
            await peer.read_until(b"R")
            theirs.append(await _flood_rate(peer, FLOOD_BYTES // 4))
    ratios = sorted(o / b for o, b in zip(ours, bare, strict=True))
    return [
        Figure("flood", sorted(ours)[ROUNDS // 2], "MB/s"),
        Figure("bare PTY flood", sorted(bare)[ROUNDS // 2], "MB/s"),
        Figure("terminado flood", sorted(theirs)[ROUNDS // 2], "MB/s"),
        Figure("flood / bare PTY", ratios[ROUNDS // 2], "x", ">= 0.6"),
    ]


async def _flood_rate(opened: Typed, size: int = FLOOD_BYTES) -> float:
    await opened.type(b"g")
    began, got = time.perf_counter(), 0
    while got < size:
        got += len(await opened.read())
    return size / (time.perf_counter() - began) / 1e6


def _bare_flood() -> float:
    with peers.bare_pty(programs.flood(FLOOD_BYTES)) as master:
        os.write(master, b"g")
        began, got = time.perf_counter(), 0
        while got < FLOOD_BYTES:
            got += len(os.read(master, 65536))
        return FLOOD_BYTES / (time.perf_counter() - began) / 1e6


async def spawn(system: System) -> list[Figure]:
    """Request to first byte with an empty Workspace, one after another and many at once."""
    first = []
    for _ in range(30):
        began = time.perf_counter()
        key = await asyncio.to_thread(start_pod, system, programs.FIRST_BYTE)
        async with terminal(system, key) as opened:
            await opened.read_until(b"R")
        first.append((time.perf_counter() - began) * 1000)
        await asyncio.to_thread(end_pod, system, key)
    return [
        Figure("request to first byte p50", percentile(first, 0.5), "ms", "<= 40"),
        Figure("request to first byte p99", percentile(first, 0.99), "ms"),
    ]


async def viewers(system: System, count: int = 50) -> list[Figure]:
    """One Pod, `count` browsers: the slowest one's echo, and how much they get together."""
    key = start_pod(system, programs.ECHO)
    async with terminal(system, key) as typist:
        await typist.read_until(b"R")
        alone = await _echo_ms(typist, 100)
        watched = await _echo_watched(system, key, typist, count)
    end_pod(system, key)
    return [
        Figure("echo p50, alone", percentile(alone, 0.5), "ms"),
        Figure(f"echo p50 at the last of {count} viewers", percentile(watched, 0.5), "ms"),
    ]


async def _echo_watched(system: System, key: str, typist: Terminal, count: int) -> list[float]:
    taken: list[float] = []
    at = typist.end
    async with asyncio.TaskGroup() as group:
        arrived: asyncio.Queue[None] = asyncio.Queue(maxsize=count)
        opened = asyncio.Barrier(count + 1)
        tasks = [group.create_task(_watch(system, key, at, opened, arrived)) for _ in range(count)]
        await opened.wait()
        for _ in range(60):
            began = time.perf_counter()
            await typist.type(b"x")
            await typist.read()
            for _ in range(count):
                await arrived.get()
            taken.append((time.perf_counter() - began) * 1000)
        for task in tasks:
            task.cancel()
    return taken


async def _watch(
    system: System, key: str, at: int, opened: asyncio.Barrier, arrived: asyncio.Queue[None]
) -> None:
    async with terminal(system, key, at) as viewer:
        await opened.wait()
        while True:
            await viewer.read()
            await arrived.put(None)


async def idle(system: System, count: int = 100) -> list[Figure]:
    """`count` idle Pods: what they cost the Runner in memory, and what they do to an echo."""
    before = await echo_only(system)
    keys, rate = await _start_many(system, count)
    after = await echo_only(system)
    hosts = _host_memory(system)
    for key in keys:
        await asyncio.to_thread(end_pod, system, key)
    return [
        Figure(f"Pods started per second ({count} in a row)", rate, "/s"),
        Figure("memory of a Pod's host (PSS)", hosts, "MB", "<= 3"),
        Figure("echo p50 alone", before, "ms"),
        Figure(f"echo p50 beside {count} idle Pods", after, "ms"),
    ]


async def _start_many(system: System, count: int) -> tuple[list[str], float]:
    began = time.perf_counter()
    keys = [await asyncio.to_thread(start_pod, system, programs.IDLE) for _ in range(count)]
    waiting = set(keys)
    while waiting:
        for key in sorted(waiting):
            pod: dict[str, Any] = await asyncio.to_thread(call, system, "GET", f"pods/{key}/")
            if pod["state"] == "running":
                waiting.discard(key)
            elif pod["state"] not in {"pending", "starting"}:
                raise RuntimeError(f"{key} is {pod['state']}: {pod['reason']}")
    return keys, count / (time.perf_counter() - began)


async def echo_only(system: System) -> float:
    key = start_pod(system, programs.ECHO)
    async with terminal(system, key) as opened:
        await opened.read_until(b"R")
        taken = await _echo_ms(opened, 150)
    end_pod(system, key)
    return percentile(taken, 0.5)


def _host_memory(system: System) -> float:
    """Mean PSS in MB of the Pod hosts, the children of the template."""
    template = system.processes()["pods"]
    shares = [
        process.memory_full_info().pss / 1e6 for process in psutil.Process(template).children()
    ]
    return sum(shares) / len(shares)


MEASURES = {
    "echo": echo,
    "flood": flood,
    "spawn": spawn,
    "viewers": viewers,
    "idle": idle,
    "talk": talk,
    "recovery": recovery,
    "update": update,
    "workspaces": workspaces,
}
