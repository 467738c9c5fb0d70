"""Run pytest; what failed is run once more by itself.

Two cores carry whole systems side by side, and a test that waits for one may lose to another. One that passes alone is
unsteady, not broken: it is named at the end, so that it is mended, and does not hold back everybody's work.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FEW = 8  # more than so many failures have a cause of their own
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")
TESTS_FAILED = 1  # pytest's exit code


def passes(arguments: list[str], alone: list[str]) -> bool:
    """`alone`: the arguments of the second try, which runs only what failed in the first."""
    LAST_FAILED.unlink(missing_ok=True)  # pytest keeps what failed in an earlier run of others
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode
    failed = list(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.exists() else []
    if code != TESTS_FAILED or not failed or len(failed) > FEW:
        return code == 0
    _say(f"{len(failed)} failed; once more, by themselves:")
    words = [*alone, "--last-failed", "--last-failed-no-failures=none"]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], check=False)
    for name in failed if done.returncode == 0 else ():
        _say(f"UNSTEADY, mend it: {name}")
    return done.returncode == 0


def _say(text: str) -> None:
    sys.stdout.write(text + os.linesep)
    sys.stdout.flush()
