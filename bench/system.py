"""A whole Mesh in a directory of its own for the time of a run: started by `manage.py up`, stopped by `down`."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN = 180.0  # a first start installs nothing but migrates, enrolls and makes a Pod


@dataclass(frozen=True, slots=True)
class System:
    url: str
    token: str
    home: Path

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def processes(self) -> dict[str, int]:
        """Pid of each service by its Procfile name, as the supervisor tells."""
        status = subprocess.run(
            [sys.executable, "manage.py", "status", "--json"],
            env=_environment(self.home, 0),
            capture_output=True,
            check=True,
        )
        return {each["name"]: each["pid"] for each in json.loads(status.stdout)["services"]}


def _environment(home: Path, port: int) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    capacity = {"MESH_RUNNER_CAPACITY": "200"}
    return kept | capacity | {"MESH_HOME": str(home), **({"MESH_PORT": str(port)} if port else {})}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(run_file: Path, up: subprocess.Popen[bytes]) -> dict[str, str]:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if up.poll() is not None:
            raise RuntimeError(f"`manage.py up` ended with {up.returncode}")
        if run_file.exists():
            return json.loads(run_file.read_text())
        time.sleep(0.05)
    raise RuntimeError(f"not ready within {READY_WITHIN:.0f} s")


def _make_room(environment: dict[str, str]) -> None:
    """More Pods at once than an Organization may have by default."""
    code = "from accounts.models import Organization as O; O.objects.update(max_pods=1000)"
    shell = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    subprocess.run(shell, env=environment, check=True)


@contextmanager
def running() -> Iterator[System]:
    """Start Mesh, hand it over, end it with its Pods."""
    with tempfile.TemporaryDirectory(prefix="mesh-bench-") as made:
        home, port = Path(made), _free_port()
        environment = _environment(home, port)
        with (home / "up.log").open("wb") as log:
            up = subprocess.Popen(
                [sys.executable, "manage.py", "up"], env=environment, stdout=log, stderr=log
            )
        try:
            ready = _wait_for(home / "run.json", up)
            _make_room(environment)
            yield System(ready["url"], ready["token"], home)
        finally:
            subprocess.run([sys.executable, "manage.py", "down"], env=environment, check=False)
            if up.poll() is None:
                up.send_signal(signal.SIGTERM)
                up.wait(30)
