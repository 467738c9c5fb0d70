"""The processes of one Pod: all that descend from its host, wherever they moved in groups and sessions."""

import ctypes
import os
import signal

_PR_SET_CHILD_SUBREAPER = 36
# A jail waits for what it confines and ends with it; only SIGKILL may take it first.
_JAILERS = frozenset({b"bwrap"})

_libc = ctypes.CDLL(None, use_errno=True)


class Process:
    __slots__ = ("group", "jailer", "parent", "pid", "zombie")

    def __init__(self, pid: int, stat: bytes) -> None:
        name, rest = stat[stat.index(b"(") + 1 :].rsplit(b")", 1)
        fields = rest.split(None, 3)
        self.pid, self.parent, self.group = pid, int(fields[1]), int(fields[2])
        self.jailer = name in _JAILERS
        self.zombie = fields[0] == b"Z"


def keep_orphans(*, on: bool = True) -> None:
    """Descendants whose parent ends become children of this process: none gets away."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def descendants(root: int) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            process = _read(int(entry))
            if process is not None:
                children.setdefault(process.parent, []).append(process)
    found, parents = [], [root]
    while parents:
        for child in children.get(parents.pop(), ()):
            found.append(child)
            parents.append(child.pid)
    return found


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return Process(pid, file.read(4096))
    except (FileNotFoundError, ProcessLookupError):
        return None  # ended in between


def send(signo: int, processes: list[Process]) -> None:
    for process in processes:
        try:
            os.kill(process.pid, signo)
        except OSError:
            continue  # ended; or became another user by setuid: not ours to end


def kill(host: int) -> None:
    """One step towards the end of a host that hangs: what descends from it goes first, because without the host
    nobody could tell whose they are. To be repeated until it is gone."""
    living = [process for process in descendants(host) if not process.zombie]
    if living:
        send(signal.SIGKILL, living)
    else:
        os.kill(host, signal.SIGKILL)
