"""A whole Mesh whose Runner dials its Gateway through a proxy that misbehaves, and what can be done to its parts."""

import json
import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mesh.up.supervisor import services
from tests.faults.process import Process
from tests.faults.proxy import Proxy
from tests.journeys.prepared import ROOT
from tests.journeys.system import Answer, Api, System, free_port, wait

PROGRAMS = Path(__file__).with_name("programs")
WRITER = (PROGRAMS / "writer.py").read_text()


class Rig(System):
    """`proxy` is between Runner and Gateway, `browsers` between who looks and web. Every method leaves what it broke as it says."""

    def __init__(self, **environment: str) -> None:
        self._others: dict[str, Process] = {}
        gateway = free_port()
        self.proxy = Proxy(gateway)
        given = {
            "MESH_GATEWAY_LISTEN": f"127.0.0.1:{gateway}",
            "MESH_GATEWAY_ADDRESSES": f"127.0.0.1:{self.proxy.port}",
            "MESH_RUNNER_CAPACITY": "100",
        }
        super().__init__(**given | environment)
        self.browsers = Proxy(int(self.environment["MESH_PORT"]))
        self.home.mkdir()
        (self.home / "greeted").touch()  # no Pod that nobody asked for

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.proxy.close()
            self.browsers.close()

    # ---- what is there

    @property
    def browser(self) -> Api:
        """The API as browsers reach it: through their proxy."""
        return Api(f"http://127.0.0.1:{self.browsers.port}", self.api.token)

    @property
    def runner(self) -> dict[str, Any]:
        """The Runner of this system, as REST tells."""
        return next(iter(self.api.get("runners/")["results"]))

    def online(self) -> bool:
        return bool(self.runner["online"])

    def link(self) -> str:
        """How its link stands, as the Runner itself says: "attached", "dialling" …"""
        status = json.loads((self.home / "runner" / "status.json").read_text())
        return str(status["state"])

    def attached(self, within: float = 30.0) -> None:
        """Wait until the Runner has a Session that answers."""
        wait(self.online, lambda: self.log("runner"), within)

    def get(self, path: str) -> Answer:
        """A page of the server's own, such as `readyz`."""
        url = f"{self.run_file['url']}/{path}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def serves(self, within: float = 60.0) -> None:
        """Wait until web answers."""

        def healthy() -> bool:
            try:
                return self.get("healthz").status == 200
            except OSError:
                return False

        wait(healthy, lambda: self.log("web"), within)

    def epoch(self) -> int:
        """Of the Runner's Session; 0 while it has none."""
        return int((self.runner["session"] or {}).get("epoch", 0))

    def attached_after(self, epoch: int, within: float = 60.0) -> None:
        """Wait for a Session newer than this one."""
        wait(lambda: self.epoch() > epoch, lambda: self.log("runner"), within)

    def answers(self, key: str, within: float = 30.0) -> None:
        """Wait until the Runner itself says something of this Pod."""
        path = f"pods/{key}/output/?offset=0"
        wait(lambda: self.api("GET", path).status == 200, lambda: self.log("runner"), within)

    def write(self, spec: tuple[int, int, int], rate: int) -> str:
        """A Pod that writes numbered random bytes, from seed, blocks and size; its key."""
        numbers = [str(number) for number in (*spec, rate)]
        return self.api.run("python3", "-c", WRITER, *numbers)

    def host_of(self, key: str) -> int:
        """The process that holds a Pod's PTY."""
        return int(self._meta(key)["host"])

    def made(self, key: str, name: str) -> Path:
        """A file of this name in the Pod's Workspace, which may be to come."""
        return self.home / "runner" / "workspaces" / key / name

    def written(self, key: str) -> int:
        """The bytes that its Runner keeps of a Pod's Terminal."""
        log = (self.home / "runner" / "pods" / key / "log").iterdir()
        return sum(each.stat().st_size for each in log if not each.suffix)

    def steps(self, key: str) -> list[str]:
        """The states a Pod has been in."""
        events = self.api.get(f"pods/{key}/events/")["results"]
        return [each["state"] for each in events if each["state"]]

    def hosts(self) -> list[int]:
        """The hosts of all Pods that have not ended, nor lost theirs."""
        pods = (self.home / "runner" / "pods").iterdir()
        living = [pod for pod in pods if (pod / "meta.json").exists()]
        found = [self.host_of(pod.name) for pod in living if not (pod / "exit.json").exists()]
        return [pid for pid in found if _is_host(pid)]

    def _meta(self, key: str) -> dict[str, Any]:
        return dict(json.loads((self.home / "runner" / "pods" / key / "meta.json").read_text()))

    def stop(self) -> None:
        """All of it, its Pods too; what is on disk stays."""
        self.manage("down", check=False)
        if self.process:
            self.ended()

    # ---- what happens to processes

    def pid(self, service: str) -> int:
        """Also of one that runs from another checkout."""
        other = self._others.get(service)
        return other.pid if other else super().pid(service)

    def crash(self, service: str) -> float:
        """`kill -9`; returns when there is another. The moment of the kill."""
        before = self.pid(service)
        assert before, f"{service} does not run"
        at = time.monotonic()
        if other := self._others.get(service):
            other.kill()
            other.start()
        else:
            os.kill(before, signal.SIGKILL)
        wait(lambda: self.pid(service) not in {0, before}, lambda: self.log(service))
        return at

    def freeze(self, service: str) -> None:
        os.kill(self.pid(service), signal.SIGSTOP)

    def thaw(self, service: str) -> None:
        os.kill(self.pid(service), signal.SIGCONT)

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """Without this service, in good order; the supervisor starts it again."""
        self.supervisor.stop_services([service])
        try:
            yield
        finally:
            self.supervisor.start_service(service)

    def redis(self, *words: str) -> bytes:
        """One command to Valkey, over its socket."""
        with self._valkey() as to:
            to.sendall((" ".join(words) + "\r\n").encode())
            return to.recv(4096)

    def redis_without_answer(self, *words: str) -> None:
        with self._valkey() as to:
            to.sendall((" ".join(words) + "\r\n").encode())

    def _valkey(self) -> socket.socket:
        to = socket.socket(socket.AF_UNIX)
        to.settimeout(10)
        to.connect(self.service_environment()["MESH_SOCKETS"] + "/redis.sock")
        return to

    def service_environment(self) -> dict[str, str]:
        """What the services were given, from the supervisor's own."""
        pid = int((self.home / "supervisord.pid").read_text())
        held = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        pairs = (os.fsdecode(each).partition("=") for each in held if each)
        return {name: value for name, _, value in pairs}

    @contextmanager
    def instead(self, service: str, checkout: Path = ROOT, command: str = "") -> Iterator[None]:
        """Run this service from another checkout, or by another command, for a while."""
        self.supervisor.stop_services([service])
        log = self.home / "logs" / f"{service}.log"
        command = command or services(ROOT / "Procfile")[service]
        other = Process(command, self.service_environment(), log, checkout)
        self._others[service] = other
        try:
            yield
        finally:
            del self._others[service]
            other.end()
            self.supervisor.start_service(service)


def _is_host(pid: int) -> bool:
    try:
        return b"podhost" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


@contextmanager
def second_gateway(rig: Rig, port: int) -> Iterator[Process]:
    """Another Gateway of the same system, on its own port for Runners; web reaches it over TCP by mTLS."""
    environment = rig.service_environment() | {
        "MESH_GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "MESH_ENROLL_LISTEN": "127.0.0.1:0",
        "MESH_GATEWAY_INTERNAL": "127.0.0.1:0",
    }
    command = services(ROOT / "Procfile")["gateway"].replace("local", "second")
    process = Process(command, environment, rig.home / "logs" / "second.log")
    try:
        yield process
    finally:
        process.end()


def copy_of_the_source(to: Path) -> Path:
    """The programs in a directory of their own, so that one module can be changed."""
    names = ("accounts", "channels_app", "mesh", "pods", "proto", "runner_agent", "templates")
    for name in names:
        shutil.copytree(ROOT / name, to / name)  # with its bytecode and times: it starts as fast
    for name in ("static", "node_modules", "manage.py", "Procfile"):
        (to / name).symlink_to(ROOT / name)
    return to
