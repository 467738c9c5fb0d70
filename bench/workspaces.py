"""A repository of 20,000 files: how long it takes to say how it stands, and to start a Pod on a copy that lies ready."""

import asyncio
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import programs
from bench.client import call, end_pod, terminal
from bench.figures import Figure, percentile
from bench.system import System

FILES, FOLDERS = 20_000, 200
LOOKS, STARTS = 20, 8
SPARE_WITHIN_S = 60.0
BY = ("-c", "user.name=Bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")


async def workspaces(system: System) -> list[Figure]:
    await asyncio.to_thread(_repository, system.home / "repositories" / "wide")
    others = _spares(system)  # the sample repository may have one
    key = await _start(system)
    path = Path(_pod(system, key)["workspace"]["path"])
    ours, again, bare = [], [], []
    for number in range(LOOKS):
        (path / "00" / "00000.txt").write_text(f"{number}\n")
        ours.append(await asyncio.to_thread(_timed, lambda: _status(system, key)))
        again.append(await asyncio.to_thread(_timed, lambda: _status(system, key)))
        bare.append(await asyncio.to_thread(_timed, lambda: _git(path, "status", "--porcelain")))
    await asyncio.to_thread(end_pod, system, key)
    took = [await _start_again(system, others) for _ in range(STARTS)]
    return [
        Figure("status of 20,000 files, warm, p50", percentile(again, 0.5), "ms", "<= 150"),
        Figure("status just after a change p50", percentile(ours, 0.5), "ms", "<= 150"),
        Figure(
            "warm, as a ratio to git status", percentile(again, 0.5) / percentile(bare, 0.5), "x"
        ),
        Figure("start with a ready worktree p50", percentile(took, 0.5), "ms", "<= 100"),
    ]


def _repository(path: Path) -> None:
    for number in range(FILES):
        folder = path / f"{number % FOLDERS:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05}.txt").write_text(f"{number}\n" * 20)
    subprocess.run(["git", "init", "-q", "-b", "main", path], check=True)
    _git(path, "add", ".")
    _git(path, "commit", "-q", "-m", "All of it")


def _git(path: Path, *words: str) -> None:
    subprocess.run(["git", *BY, "-C", path, *words], check=True, stdout=subprocess.DEVNULL)


async def _start(system: System) -> str:
    """A running Pod on it; its key."""
    if not any(each["slug"] == "wide" for each in call(system, "GET", "repositories/")["results"]):
        url = str(system.home.resolve() / "repositories" / "wide")
        call(system, "POST", "repositories/", {"name": "wide", "url": url})
    argv = list(programs.FIRST_BYTE)
    wanted = {"agent_type": "custom", "argv": argv, "repository": "wide"}
    key = str(call(system, "POST", "pods/", wanted)["key"])
    async with terminal(system, key) as opened:
        await opened.read_until(b"R")
    await asyncio.to_thread(_until_written, system, key)
    return key


def _until_written(system: System, key: str) -> None:
    """Its bytes are shown before its row is written."""
    while not _pod(system, key)["workspace"]["path"]:
        time.sleep(0.02)


async def _start_again(system: System, others: set[Path]) -> float:
    """From the Runner's first step to the running agent, by the Pod's own events, in ms."""
    await asyncio.to_thread(_wait_for_spare, system, others)
    key = await _start(system)
    at: dict[str, datetime] = {}
    while "running" not in at:
        events = call(system, "GET", f"pods/{key}/events/")["results"]
        at = {each["step"] or each["state"]: datetime.fromisoformat(each["at"]) for each in events}
    await asyncio.to_thread(end_pod, system, key)
    return (at["running"] - at["starting"]).total_seconds() * 1000


def _wait_for_spare(system: System, others: set[Path]) -> None:
    """It is made after each start, beside the Pods."""
    until = time.monotonic() + SPARE_WITHIN_S
    while not _spares(system) - others:
        if time.monotonic() > until:
            raise RuntimeError("no spare worktree was made")
        time.sleep(0.05)


def _spares(system: System) -> set[Path]:
    return set((system.home / "runner" / "spares").glob("[!.]*"))


def _pod(system: System, key: str) -> Any:
    return call(system, "GET", f"pods/{key}/")


def _status(system: System, key: str) -> None:
    if not call(system, "GET", f"pods/{key}/workspace/?refresh=true")["changes"]:
        raise RuntimeError("the change was not seen")


def _timed(do: Any) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000
