"""Packages of npm into a directory, without running any script of theirs."""

import json
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from runner_agent.agents.npm_mirror import served
from runner_agent.agents.workbench import Workbench

ROOM = (
    1 << 30
)  # bytes: the largest known agent takes 404 MB, and its archive as much again in npm's cache
_FETCH = re.compile(r"npm http (?:fetch \w+ \d+|cache) \S*?://[^/\s]+/(\S+) [\d.]+m?s")


@dataclass(frozen=True, slots=True)
class Npm:
    """`argv` begins every call; `path` has the node that it runs with in front."""

    argv: tuple[str, ...]
    path: str


async def install(bench: Workbench, npm: Npm, package: str, wanted: str, mirror: str) -> str:
    """The version that was installed, in `node_modules` of the draft. CommandError agent_install_failed."""
    asked = f"{package}@{wanted.replace(',', ' ')}" if wanted else package
    half = bench.caches / "npm" / "_cacache" / "tmp"
    heard = replace(bench, say=partial(_tell, bench.say), quiet=partial(_downloading, half))
    async with _registry(mirror) as registry:
        await heard.run(
            (
                *npm.argv,
                *("install", asked, "--prefix", str(bench.draft), "--location=project"),
                *("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-progress"),
                "--fetch-retry-mintimeout=1000",
                *("--loglevel=http", "--cache", str(bench.caches / "npm")),
                *(("--registry", registry) if registry else ()),
            ),
            {"PATH": npm.path, "npm_config_update_notifier": "false"},
        )
    return str(_lock(bench.draft)[f"node_modules/{package}"]["version"])


def integrity(draft: Path, package: str) -> str:
    """Of its archive, as npm verified it."""
    return str(_lock(draft)[f"node_modules/{package}"].get("integrity", ""))


def _tell(say: Callable[[str], None], line: str) -> None:
    """A line of npm's log as progress for people."""
    if fetched := _FETCH.match(line):
        path = unquote(fetched[1])
        name = path.rpartition("/")[2] if "-/" in path else path  # an archive, else a package
        say(f"npm: {name.removesuffix('.tgz')}")
    elif not line.startswith(("npm http", "npm warn", "npm notice")):
        say(line)


def _downloading(half: Path) -> str:
    """What lies in npm's cache and is not whole yet."""
    size = 0
    for path in half.glob("*"):
        with suppress(FileNotFoundError):  # it is whole by now
            size += path.stat().st_size
    return f"npm: {size >> 20} MiB on the way" if size >> 20 else ""


def _lock(draft: Path) -> dict[str, dict[str, str]]:
    held = json.loads((draft / "node_modules" / ".package-lock.json").read_bytes())
    packages: dict[str, dict[str, str]] = held["packages"]
    return packages


@asynccontextmanager
async def _registry(mirror: str) -> AsyncIterator[str]:
    """A URL; empty: what npm is set to. A directory of archives is served for as long as this is open."""
    if not os.path.isabs(mirror):  # noqa: PTH117 - it may be a URL
        yield mirror
        return
    async with served(Path(mirror)) as url:
        yield url
