"""A Valkey that a test may stop."""

import subprocess
from pathlib import Path

import redis

from mesh.up.environment import redis_server
from tests.journeys.system import wait


class Valkey:
    """On a socket below `home`, or on a TCP port."""

    def __init__(self, home: Path, port: int = 0) -> None:
        self._home, self._port = home, port
        socket = home / "valkey.sock"
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{socket}"
        self.start()

    def start(self) -> None:
        listen = ["--port", str(self._port), "--bind", "127.0.0.1"]
        listen += ["--unixsocket", f"{self._home}/valkey.sock", "--save", ""]
        with (self._home / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [redis_server(), *listen, "--dir", str(self._home)], stdout=log, stderr=log
            )
        wait(self.answers)

    def answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
