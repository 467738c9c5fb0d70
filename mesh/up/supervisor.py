"""supervisord: its configuration from the Procfile, and its voice over a unix socket."""

import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from mesh.home import Home
from mesh.up.trouble import TroubleError

ANSWERS_WITHIN = 10.0  # seconds from its start
DO_NOT_WAIT = (False,)
LOG_BYTES, LOGS_KEPT = 10 << 20, 3
# Ended by itself with one of these, a service stays ended: 78 is the Runner's word for "refused for good".
FINAL_EXITS = {"runner": "0,78"}
STOPS_WITHIN = {"redis": 20, "worker": 15, "pods": 5}  # seconds until SIGKILL, else 10

_HEAD = """\
[unix_http_server]
file={socket}
chmod=0600

[supervisord]
nodaemon=true
logfile={logs}/supervisord.log
logfile_maxbytes={log_bytes}
logfile_backups={logs_kept}
pidfile={home}/supervisord.pid

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# A service is signalled alone, never its group: Pod hosts are born by `pods` and outlive it.
_PROGRAM = """
[program:{name}]
command=/bin/sh -c {command}
directory={checkout}
autostart=false
autorestart={restart}
exitcodes={final}
startsecs=1
startretries=100
stopsignal=TERM
stopwaitsecs={patience}
stopasgroup=false
killasgroup=false
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups={logs_kept}
"""


def services(procfile: Path) -> dict[str, str]:
    """Name and command line of each process."""
    lines = (line.partition(":") for line in procfile.read_text().splitlines() if line.strip())
    return {name.strip(): command.strip() for name, _, command in lines}


def configuration(home: Home, checkout: Path, wanted: dict[str, str]) -> str:
    common = {"logs": home.logs, "log_bytes": LOG_BYTES, "logs_kept": LOGS_KEPT}
    head = _HEAD.format(socket=_socket(home), home=home.root.resolve(), **common)
    programs = [
        _PROGRAM.format(
            name=name,
            command=shlex.quote(f"exec {command}"),
            checkout=checkout,
            restart="unexpected" if name in FINAL_EXITS else "true",
            final=FINAL_EXITS.get(name, "0"),
            patience=STOPS_WITHIN.get(name, 10),
            **common,
        )
        for name, command in wanted.items()
    ]
    return "".join([head, *programs]).replace("%", "%%")


class Supervisor:
    def __init__(self, home: Home) -> None:
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, configuration: str, environment: dict[str, str]) -> None:
        """In a session of its own: a Ctrl-C is for us, and we end the services in order."""
        path = self.home.root / "supervisord.conf"
        path.write_text(configuration)
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", path],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        give_up = time.monotonic() + ANSWERS_WITHIN
        while not self.answers():
            if not self.lives() or time.monotonic() > give_up:
                raise TroubleError(
                    f"The supervisor does not start: see {self.home.logs / 'supervisord.log'}"
                )
            time.sleep(0.02)

    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        try:
            self._call("getState")
        except OSError:
            return False
        return True

    def start_service(self, name: str) -> None:
        self._call("startProcess", name, *DO_NOT_WAIT)

    def stop_services(self, names: list[str]) -> None:
        """Ask these to end, and wait until they have."""
        wanted = [
            each["name"] for each in self.processes() if each["name"] in names and each["pid"]
        ]
        for name in wanted:
            try:
                self._call("stopProcess", name, *DO_NOT_WAIT)
            except xmlrpc.client.Fault:
                continue  # ended by itself meanwhile
        while any(each["name"] in wanted and each["pid"] for each in self.processes()):
            time.sleep(0.05)

    def processes(self) -> list[dict[str, Any]]:
        """`name`, `pid` (0: none) and `state` (RUNNING, STARTING, BACKOFF, FATAL, EXITED …) of each service."""
        return [
            {"name": each["name"], "pid": each["pid"], "state": each["statename"]}
            for each in self._call("getAllProcessInfo")
        ]

    def end(self) -> None:
        """Also one that an earlier `up` left behind."""
        try:
            pid = self._call("getPID")
            self._call("shutdown")
        except OSError:
            return
        if self._process:
            self._process.wait()
        while _exists(pid):
            time.sleep(0.05)

    def _call(self, method: str, *arguments: object) -> Any:
        # A connection of its own each time: one that broke stays unusable.
        transport = SupervisorTransport(None, None, f"unix://{_socket(self.home)}")
        rpc = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(rpc.supervisor, method)(*arguments)
        except http.client.HTTPException as error:
            raise ConnectionError("supervisord hung up") from error
        finally:
            transport.close()


def _socket(home: Home) -> Path:
    return home.sockets / "supervisor.sock"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
