"""What an update of the Runner costs those who work: a real release, installed and switched while Pods write."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.client import call, end_pod, start_pod
from bench.figures import Figure
from bench.system import System

PODS = 20
WRITES = """\
import itertools, time
for number in itertools.count(1):
    print(number, flush=True)
    time.sleep(0.05)
"""
COUNTS = ("python3", "-I", "-S", "-c", WRITES)  # a shell would start a process for each pause
VERSION = "99.0"
WITHIN_S = 600.0


async def update(system: System) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="mesh-bench-") as folder:
        built_s, size = await asyncio.to_thread(_publish, system, Path(folder))
    keys = [await asyncio.to_thread(start_pod, system, COUNTS) for _ in range(PODS)]
    for key in keys:
        await _until(lambda key=key: call(system, "GET", f"pods/{key}/")["state"] == "running")
    runner = call(system, "GET", "runners/")["results"][0]["id"]
    began = time.perf_counter()
    attempt = call(system, "POST", f"runners/{runner}/update/", {"version": VERSION})
    gap = await _gap_until_over(system, runner, attempt["id"], keys[0])
    took = time.perf_counter() - began
    lost = sum([await asyncio.to_thread(_missing, system, key) for key in keys])
    for key in keys:
        await asyncio.to_thread(end_pod, system, key)
    return [
        Figure("release built from what is installed", built_s, "s"),
        Figure("archive", size / 1e6, "MB"),
        Figure(f"update beside {PODS} Pods that write, in all", took, "s"),
        Figure("control gap of the update", gap, "s", "<= 5"),
        Figure("lines lost or doubled by the update", float(lost), "", "<= 0"),
    ]


def _publish(system: System, folder: Path) -> tuple[float, int]:
    environment = {**os.environ, "MESH_HOME": str(system.home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(*words: str) -> str:
        argv = [sys.executable, *words]
        return subprocess.run(
            argv, env=environment, check=True, capture_output=True, text=True
        ).stdout

    key = folder / "release.pem"
    run("manage.py", "release", "key", str(key))
    os.kill(system.processes()["runner"], signal.SIGKILL)  # its next Session tells it the key
    pinned = system.home / "runner" / "release.pub"
    while not pinned.exists():
        time.sleep(0.05)
    began = time.perf_counter()
    build = ("-m", "runner_agent", "release", "build", "--version", VERSION, "--json")
    built = json.loads(run(*build, "--key", str(key), "--out", str(folder)))
    took = time.perf_counter() - began
    run("manage.py", "release", "publish", built["archive"])
    return took, Path(built["archive"]).stat().st_size


async def _gap_until_over(system: System, runner: int, attempt: int, key: str) -> float:
    """The longest that the Runner itself answered nothing about a Pod."""
    gap, answered, looked = 0.0, time.perf_counter(), 0.0
    while True:
        if await asyncio.to_thread(_answers, system, key):
            gap = max(gap, time.perf_counter() - answered)
            answered = time.perf_counter()
        if time.perf_counter() - looked > 1:
            looked = time.perf_counter()
            found = call(system, "GET", f"runners/{runner}/updates/")["results"]
            state = next(one for one in found if one["id"] == attempt)
            if state["state"] not in {"asked", "working"}:
                if state["state"] != "done":
                    raise RuntimeError(f"the update {state['state']}: {state['reason']}")
                return gap
        await asyncio.sleep(0.02)


def _answers(system: System, key: str) -> bool:
    try:
        _output(system, key, 0, 1)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


def _missing(system: System, key: str) -> int:
    data, end = b"", 1
    while len(data) < end:
        more, end = _output(system, key, len(data), 1 << 20)
        data += more
    lines = [int(line) for line in data[: data.rfind(b"\n") + 1].split()]
    return sum(line != number for number, line in enumerate(lines, 1))


def _output(system: System, key: str, offset: int, limit: int) -> tuple[bytes, int]:
    url = f"{system.url}/api/v1/pods/{key}/output/?offset={offset}&limit={limit}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {system.token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read(), int(answer.headers["X-End"])


async def _until(true) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110 - REST has no news
            await asyncio.sleep(0.05)
