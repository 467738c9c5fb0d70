"""One Pod's short life in the template itself, before it forks.

The interpreter adapts code while it runs; what it has adapted before the fork is shared by all hosts (measured:
2.2 MB become 1.8 MB a host).
"""

import gc
import json
import os
import shutil
import socket

from runner_agent.podhost import family, wire
from runner_agent.podhost.host import Host

_ROUNDS = 12  # the interpreter adapts what has run 8 times
_AGENT = f"i=0; while [ $i -lt {_ROUNDS} ]; do i=$((i+1)); echo $i; sleep 0.001; done"


def rehearse(directory: str) -> None:
    """Leaves nothing behind but adapted code."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory, 0o700)
    path = directory + "/sock"
    launch = {
        "directory": directory,
        "socket": path,
        "argv": ["/bin/sh", "-c", _AGENT],
        "env": {"PATH": os.defpath},
        "cwd": "/",
        "cols": 80,
        "rows": 24,
        "log_max": 1 << 20,
    }
    host = Host(json.loads(json.dumps(launch)))
    host.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.send(_frames(directory))
        host.run()
    host.close()
    family.keep_orphans(on=False)
    gc.enable()
    shutil.rmtree(directory)


def _frames(directory: str) -> bytes:
    with open(directory + "/host.key", "rb") as file:
        key = wire.frame(wire.KEY, bytes((wire.VERSION,)) + file.read())
    typed = [wire.written(b"rehearsal", at, b"x") for at in range(_ROUNDS)]
    others = [
        wire.frame(wire.SEEN, wire.OFFSET.pack(0)),
        wire.frame(wire.LIMIT, wire.OFFSET.pack(1 << 20)),
        wire.frame(wire.RESIZE, wire.SIZE.pack(100, 30)),
        wire.frame(wire.ASK_ECHO),
    ]
    return key + b"".join(wire.frame(wire.INPUT, body) for body in typed) + b"".join(others)
