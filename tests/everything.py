"""What `make test` does: `python -m tests.everything [lint]`.

Style, types and contracts side by side; then the short pass on SQLite, the shipped default; then the whole suite on
PostgreSQL, with browsers and the journeys. Everything is run even if something fails; the exit code says so.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.again import passes

CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "import contracts": [
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ],
}
SQLITE = [
    "-q",
    "-m",
    "sqlite",
    "tests/accounts",
    "tests/pods",
    "tests/channels_app",
    "tests/house",
]
ALL = ["-p", "tests.postgres", "--ignore=tests/faults"]  # those: make test-faults
WORKERS = ["-n", "2", "--dist", "loadscope"]


def main() -> None:
    os.chdir(Path(__file__).resolve().parents[1])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes that tests start are slow without
    failed = _check()
    if sys.argv[1:] != ["lint"]:
        if not passes([*SQLITE, *WORKERS], SQLITE):
            failed.append("the pass on SQLite")
        chosen = [*ALL, *sys.argv[1:]]
        if not passes([*chosen, *WORKERS], chosen):
            failed.append("the suite")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def _check() -> list[str]:
    with ThreadPoolExecutor() as pool:
        return [name for name, ok in zip(CHECKS, pool.map(_passes, CHECKS), strict=True) if not ok]


def _passes(name: str) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *CHECKS[name]], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    say = f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} ({took:.1f} s)\n"
    if done.returncode:
        say += done.stdout + done.stderr
    sys.stdout.write(say)
    sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    main()
