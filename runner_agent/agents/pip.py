"""A package of pip into a virtual environment of its own; wheels only, so that nothing of it runs while it is installed."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from runner_agent.agents.workbench import Workbench

ROOM = 3 << 29  # bytes: the largest known agent takes 687 MB
_HAS_PIP = importlib.util.find_spec("pip") is not None
_REPORT = "pip-report.json"


async def install(bench: Workbench, package: str, wanted: str, mirror: str) -> str:
    """The version that was installed, in `venv` of the draft. CommandError agent_install_failed."""
    venv = bench.draft / "venv"
    bench.say("making a virtual environment")
    without = ("--without-pip",) if _HAS_PIP else ()
    await bench.run((sys.executable, "-I", "-m", "venv", *without, str(venv)), {})
    asked = f"{package}=={wanted}" if wanted and wanted[0].isdigit() else f"{package}{wanted}"
    await bench.run(
        (
            *(*_pip(venv / "bin" / "python"), "install", asked),
            *("--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
            *("--retries", "2"),  # of each it tells, and with that of the cause
            *("--only-binary", ":all:", "--report", str(bench.draft / _REPORT)),
            *("--cache-dir", str(bench.caches / "pip"), *_source(mirror)),
        ),
        {},
    )
    return str(_reported(bench.draft, package)["metadata"]["version"])


def _pip(python: Path) -> tuple[str, ...]:
    """The Runner's own, which saves the seconds of making another; else the one of the environment."""
    if _HAS_PIP:
        return (sys.executable, "-I", "-m", "pip", "--python", str(python))
    return (str(python), "-I", "-m", "pip")


def sha256(draft: Path, package: str) -> str:
    """Of its wheel."""
    return str(_reported(draft, package)["download_info"]["archive_info"]["hashes"]["sha256"])


def _source(mirror: str) -> tuple[str, ...]:
    if os.path.isabs(mirror):  # noqa: PTH117 - it may be a URL
        return ("--no-index", "--find-links", mirror)
    return ("--index-url", mirror) if mirror else ()


def _reported(draft: Path, package: str) -> dict[str, Any]:
    report = json.loads((draft / _REPORT).read_bytes())
    for each in report["install"]:
        if _plain(each["metadata"]["name"]) == _plain(package):
            found: dict[str, Any] = each
            return found
    raise KeyError(package)


def _plain(name: str) -> str:
    """As PEP 503 compares names; extras do not count."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()
