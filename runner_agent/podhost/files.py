"""The small files beside a Pod's log: key, end, and the lock that says whether its host lives."""

import fcntl
import json
import os
import struct
from typing import Any

SPAWN_SOCKET, SPAWN_LOCK = "spawn.sock", "spawn.lock"  # among the sockets
_FLOCK = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux
_ROOM = 4096  # bytes set aside for exit.json, so that a full disk cannot keep a Pod from ending


def write_json(path: str, value: dict[str, object]) -> None:
    """Whole or not at all."""
    _replace(path, path + ".new", json.dumps(value).encode(), durable=False)


def read_json(path: str) -> dict[str, Any] | None:
    """None if there is no such file."""
    try:
        with open(path, "rb") as file:
            value: dict[str, Any] = json.load(file)
            return value
    except FileNotFoundError:
        return None


def reserve(path: str) -> None:
    """Set room aside for `write_reserved`."""
    with open(path + ".room", "wb") as file:
        file.write(b" " * _ROOM)


def write_reserved(path: str, value: dict[str, object]) -> None:
    """Whole or not at all, and on the disk, also a full one."""
    _replace(path, path + ".room", json.dumps(value).encode().ljust(_ROOM), durable=True)


def new_key(path: str) -> bytes:
    key = os.urandom(32).hex().encode()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.write(fd, key)
    os.close(fd)
    return key


def _replace(path: str, draft: str, data: bytes, *, durable: bool) -> None:
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, data)
        os.ftruncate(fd, len(data))
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(draft, path)


def boot_id() -> str:
    """Differs after each start of the machine."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def lock(path: str) -> bool:
    """Hold the file until this process ends; False if another process holds it.

    A record lock: a forked child does not share it, so it says whether this very process lives.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return False
    return True


def holder(path: str) -> int | None:
    """The process that holds the lock; None if nobody does."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return None if kind == fcntl.F_UNLCK else pid
