"""A whole Mesh in a directory of its own, started as a person starts it, and its REST API."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from mesh.home import Home
from mesh.up.supervisor import Supervisor
from tests.journeys.prepared import ROOT, inherited, prepare

READY_WITHIN = 120.0
HAPPENS_WITHIN = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """REST with a token, as a script calls it."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, path: str) -> Any:
        return self._ok(self("GET", path))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._ok(self("POST", path, {} if body is None else body, **headers))

    def _ok(self, answer: Answer) -> Any:
        assert answer.status < 300, (answer.status, answer.body)
        return answer.json

    # ---- what journeys do all the time

    def create(self, **request: Any) -> str:
        """A Pod; its key."""
        return str(self.post("pods/", {"agent_type": "shell", **request})["key"])

    def run(self, *argv: str, **request: Any) -> str:
        """A Pod that runs this program; its key."""
        return self.create(agent_type="custom", argv=list(argv), **request)

    def state(self, key: str) -> str:
        return str(self.get(f"pods/{key}/")["state"])

    def becomes(self, key: str, *states: str) -> str:
        """Wait until the Pod is in one of these states."""
        wait(lambda: self.state(key) in states, lambda: self.get(f"pods/{key}/"))
        return self.state(key)

    def execute(self, key: str, line: str) -> Any:
        return self.post(f"pods/{key}/execute/", {"shell": line})

    def output(self, key: str) -> bytes:
        """All that the Terminal has kept."""
        kept = b""
        while True:
            answer = self("GET", f"pods/{key}/output/?offset={len(kept)}")
            assert answer.status == 200, answer.body
            kept += answer.body
            if len(kept) >= int(answer.headers["X-End"]):
                return kept

    def terminate(self, key: str) -> None:
        self.post(f"pods/{key}/terminate/", {"grace_s": 0.5})
        self.becomes(key, "terminated", "completed", "failed")


def wait(
    happened: Callable[[], Any], said: Callable[[], Any] = str, within: float = HAPPENS_WITHIN
) -> Any:
    """Wait until something is true; what `said` tells is in the failure."""
    give_up = time.monotonic() + within
    while True:
        found = happened()
        if found:
            return found
        assert time.monotonic() < give_up, f"not within {within:.0f} s: {said()}"
        time.sleep(0.05)


def signed_in(link: str) -> tuple[urllib.request.OpenerDirector, str]:
    """A browser that followed the link, whose page submits its form at once, and where it then is."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    browser.open(link).close()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode()
    with browser.open(urllib.request.Request(link, form, {"Referer": link})) as page:
        assert any(cookie.name == "sessionid" for cookie in jar)
        return browser, page.url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class System:
    """`is_new`: it begins in an empty directory, as a newcomer's does."""

    def __init__(self, *, is_new: bool = False, **environment: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mesh-journey-"))
        self.home = self.directory / "home"
        self.environment = {
            **inherited(),
            "MESH_HOME": str(self.home),
            "MESH_PORT": str(free_port()),
            **environment,
        }
        self.said = self.directory / "said"
        self.process: subprocess.Popen[bytes] | None = None
        self._is_prepared = is_new

    def start(self) -> str:
        """What `up` printed on stdout, once it is ready."""
        if not self._is_prepared:
            prepare(self.home, self.environment)
            self._is_prepared = True
        with self.said.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout
        line = self.process.stdout.readline().decode()
        assert line, self.said.read_text()
        return line

    def interrupt(self, signal_number: int = signal.SIGINT) -> str:
        """Ctrl-C; the last line that `up` says."""
        assert self.process
        self.process.send_signal(signal_number)
        self.ended()
        return self.said.read_text().splitlines()[-1]

    def ended(self) -> int:
        assert self.process
        assert self.process.stdout
        code = self.process.wait(READY_WITHIN)
        self.process.stdout.close()
        self.process = None
        return code

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            timeout=READY_WITHIN,
        )

    def close(self) -> None:
        self.manage("down", check=False)
        if self.process:
            self.ended()
        shutil.rmtree(self.directory)

    @property
    def run_file(self) -> dict[str, str]:
        return dict(json.loads((self.home / "run.json").read_text()))

    @property
    def api(self) -> Api:
        return Api(self.run_file["url"], self.run_file["token"])

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(Home(self.home))

    def pid(self, service: str) -> int:
        listed = self.supervisor.processes()
        return next(int(each["pid"]) for each in listed if each["name"] == service)

    def kill(self, service: str) -> None:
        """`kill -9`, and wait until the supervisor has started another one."""
        before = self.pid(service)
        os.kill(before, signal.SIGKILL)
        wait(lambda: self.pid(service) not in {0, before}, lambda: self.log(service))

    def services(self) -> list[str]:
        return sorted(path.stem for path in (self.home / "logs").glob("*.log"))

    def log(self, service: str) -> str:
        return (self.home / "logs" / f"{service}.log").read_text()[-4000:]
