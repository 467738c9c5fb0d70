"""The programs of before: the newest tag, else the last commit of the previous protocol. From this very repository."""

import functools
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.journeys.prepared import ROOT

RAISED = "SPEAKS = (1, 2)"  # the line of runner_agent/link/wire.py that came with this protocol


@functools.cache
def reference() -> str:
    """Empty in a clone that has no history: then only the scripted peers of tests/protocols speak for it."""
    if tag := _git("describe", "--tags", "--abbrev=0"):
        return tag
    raised = _git("log", "--format=%H", "-S", RAISED, "--", "runner_agent/link/wire.py").split()
    return _git("rev-parse", "--verify", "--quiet", f"{raised[-1]}^") if raised else ""


def checkout(to: Path) -> Path:
    """What was committed then, and the browser's packages of today."""
    with tempfile.TemporaryFile() as packed:
        subprocess.run(["git", "archive", reference()], cwd=ROOT, stdout=packed, check=True)
        packed.seek(0)
        with tarfile.open(fileobj=packed) as tar:
            tar.extractall(to, filter="data")
    (to / "node_modules").symlink_to(ROOT / "node_modules")
    return to


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
