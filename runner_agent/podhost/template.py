"""The template: one small process that forks a host for each Pod, without exec, so that most memory is shared."""

import gc
import json
import os
import signal
import socket
import time
from typing import Any

from runner_agent.podhost import clients, files
from runner_agent.podhost.host import Host
from runner_agent.podhost.rehearsal import rehearse

REQUEST_S = 5.0
LOOK_S = 1.0  # between two looks at whether it is still needed


def serve(sockets: str, idle_s: int | None = None) -> None:
    """Until killed, idle for too long, or the sockets' directory is gone. Hosts go on.

    While another template serves these sockets, wait to take over.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    while not files.lock(f"{sockets}/{files.SPAWN_LOCK}"):
        time.sleep(LOOK_S)
    rehearse(f"{sockets}/rehearsal")
    path = f"{sockets}/{files.SPAWN_SOCKET}"
    listener = clients.listen(path, socket.SOCK_SEQPACKET)
    listener.settimeout(LOOK_S)
    ours = os.stat(path).st_ino
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    asked_at = time.monotonic()
    while _is_reachable(path, ours):
        try:
            asker, _ = listener.accept()
        except TimeoutError:
            if idle_s is not None and time.monotonic() - asked_at > idle_s:
                os.unlink(path)
                return
            continue
        asked_at = time.monotonic()
        with asker:
            if clients.trusted(asker):
                _fork(asker, listener)


def _is_reachable(path: str, inode: int) -> bool:
    try:
        return os.stat(path).st_ino == inode
    except FileNotFoundError:
        return False


def _fork(asker: socket.socket, listener: socket.socket) -> None:
    try:
        if os.fork():
            return
    except OSError as error:
        _answer(asker, {"error": f"no new process: {error.strerror}"})
        return
    listener.close()
    try:
        _become_host(asker)
    except BaseException as error:  # noqa: BLE001 - the root of this process
        _answer(asker, {"error": repr(error)})
    finally:
        os._exit(70)


def _become_host(asker: socket.socket) -> None:
    asker.settimeout(REQUEST_S)
    request = _read(asker)
    if not request:
        return  # somebody looked whether a template serves here
    launch: dict[str, Any] = json.loads(request)
    directory = launch["directory"]
    os.makedirs(directory, 0o700, exist_ok=True)
    if not files.lock(directory + "/host.lock") or _has_begun(directory):
        _answer(asker, {"exists": True})
        return
    _detach()
    try:
        host = Host(launch)
        host.start()
        _answer(asker, {"pid": host.pid})
        asker.close()
        host.run()
    except BaseException as error:
        crash = {"error": f"{type(error).__name__}: {error}", "at_ms": int(time.time() * 1000)}
        files.write_json(directory + "/crash.json", crash)
        raise
    os._exit(0)


def _has_begun(directory: str) -> bool:
    """A Pod is started once: what was lost is not started again behind its owner's back."""
    return os.path.exists(directory + "/meta.json") or os.path.exists(directory + "/exit.json")


def _read(asker: socket.socket) -> bytes:
    parts = []
    while part := asker.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def _answer(asker: socket.socket, answer: dict[str, object]) -> None:
    try:
        asker.send(json.dumps(answer).encode(), socket.MSG_NOSIGNAL)
    except OSError:
        return  # nobody waits for it any more; the Pod's directory says the same


def _detach() -> None:
    """A session of its own, and nothing of the template's terminal or logs."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
