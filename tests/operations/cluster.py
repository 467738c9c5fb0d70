"""Two servers as on two machines, each with web and gateway, behind one address for browsers and one for Runners.

They share PostgreSQL, an external Valkey, and the keys that docs/operations.md names; each has a home of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
from pathlib import Path
from typing import Any

from mesh.up.supervisor import services
from tests.faults.process import Process
from tests.journeys.prepared import ROOT, prepare
from tests.journeys.system import Api, free_port, wait
from tests.operations.balancer import Balancer
from tests.operations.valkey import Valkey
from tests.postgres import Server

LINES = services(ROOT / "Procfile")
UP_WITHIN = 90.0


class Machine:
    """`processes` by name: web, gateway."""

    def __init__(self, name: str, host: str, common: dict[str, str], home: Path) -> None:
        self.name, self.home, self.web, self.runners = name, home, free_port(), free_port()
        home.mkdir()
        self.environment = common | {
            "MESH_HOME": str(home),
            "MESH_PORT": str(self.web),
            "MESH_LISTEN": "127.0.0.1",
            "MESH_GATEWAY_LISTEN": f"127.0.0.1:{self.runners}",
            "MESH_ENROLL_LISTEN": f"127.0.0.1:{free_port()}",
            "MESH_GATEWAY_INTERNAL": f"{host}:{free_port()}",
            "MESH_ENROLL_ADDRESS": "",
        }
        enroll = self.environment["MESH_ENROLL_LISTEN"]
        self.environment["MESH_ENROLL_ADDRESS"] = enroll
        self.processes: dict[str, Process] = {}

    def start(self, service: str) -> Process:
        command = LINES[service].replace(
            "MESH_GATEWAY_NAME=local", f"MESH_GATEWAY_NAME={self.name}"
        )
        command = command.replace("gateway.local", f"gateway.{self.name}")
        log = self.home / f"{service}.log"
        self.processes[service] = Process(command, self.environment, log)
        return self.processes[service]

    def said(self) -> str:
        return "\n".join(log.read_text()[-1500:] for log in self.home.glob("*.log"))


class Cluster:
    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mesh-cluster-"))
        self.postgres = Server(("fsync=off",))
        self.postgres.start()
        self.valkey = Valkey(self.directory, free_port())
        common = self._common()
        self.one = Machine("one", "127.0.0.1", common, self.directory / "one")
        self.two = Machine("two", "127.0.0.2", common, self.directory / "two")
        self.webs = Balancer(self.one.web, self.two.web)
        self.gateways = Balancer(self.one.runners, self.two.runners)
        for machine in (self.one, self.two):
            machine.environment |= {
                "MESH_PUBLIC_URL": f"http://127.0.0.1:{self.webs.port}",
                "MESH_GATEWAY_ADDRESSES": f"127.0.0.1:{self.gateways.port}",
            }
        self.runner_home = self.directory / "runner"
        self.beside: list[Process] = []

    def _common(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MESH_", "DATABASE_URL"))}
        for name in ("DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"):
            kept.pop(name, None)
        return kept | {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "MESH_SECRET_KEY": "the-same-on-both-machines-and-long-enough",
            "MESH_SECRETS_KEY_FILE": str(self.directory / "one" / "secrets.key"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }

    def start(self) -> None:
        prepare(self.one.home, self.one.environment)
        token = self._manage(self.one, "prepare", "--token").strip()
        (self.two.home / "ca").mkdir(mode=0o700)
        for name in ("ca.key", "ca.pem"):  # each machine makes its own certificates with it
            shutil.copy(self.one.home / "ca" / name, self.two.home / "ca" / name)
        shutil.copytree(self.one.home / "static", self.two.home / "static")
        for machine in (self.one, self.two):
            machine.start("gateway")
            machine.start("web")
        self.one.start("worker")
        self.two.start("beat")
        self.api = Api(f"http://127.0.0.1:{self.webs.port}", token)
        for machine in (self.one, self.two):
            wait(lambda machine=machine: self.ready(machine), machine.said, UP_WITHIN)
        self._start_runner()

    def at(self, machine: Machine) -> Api:
        return Api(f"http://127.0.0.1:{machine.web}", self.api.token)

    def holder(self) -> Machine:
        """Where the Runner's Session is."""
        name = self._runner()["session"]["gateway"]
        return self.one if name == "one" else self.two

    def online(self) -> bool:
        return bool(self._runner()["online"])

    def close(self) -> None:
        self._runner_agent("stop-pods", "--grace", "0")
        for process in (*self.beside, *self.one.processes.values(), *self.two.processes.values()):
            process.end()
        self.webs.close()
        self.gateways.close()
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.directory)

    def _start_runner(self) -> None:
        token = self.api.post("runners/enrollment-tokens/")["token"]
        self._runner_agent("enroll", "--server", self.api.url, "--token", token, "--capacity", "20")
        for word in ("pods", "run"):
            command = f"{sys.executable} -m runner_agent {word} --home {self.runner_home}"
            log = self.directory / f"{word}.log"
            self.beside.append(Process(command, self.one.environment, log))
        wait(self.online, (self.directory / "run.log").read_text, UP_WITHIN)

    def _runner(self) -> dict[str, Any]:
        return dict(self.api.get("runners/")["results"][0])

    def ready(self, machine: Machine) -> bool:
        try:
            found = self.at(machine)("GET", "runners/").status == 200
        except (OSError, urllib.error.URLError):
            return False
        return found and "Runners on port" in (machine.home / "gateway.log").read_text()

    def _manage(self, machine: Machine, *arguments: str) -> str:
        return self._run(machine.environment, "manage.py", *arguments)

    def _runner_agent(self, *arguments: str) -> str:
        home = ("--home", str(self.runner_home))
        return self._run(self.one.environment, "-m", "runner_agent", *arguments, *home)

    def _run(self, environment: dict[str, str], *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout
