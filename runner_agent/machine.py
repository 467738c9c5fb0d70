"""What this machine is."""

import os
import platform
import socket
import sys
from pathlib import Path

import psutil

PODS_PER_CORE = 8  # agents mostly wait for their model
MEMORY_PER_POD = 512 << 20  # what a coding agent takes, with room for the builds it runs


def default_capacity() -> int:
    """Pods at once, from cores and memory; at least one."""
    by_memory = int(psutil.virtual_memory().total) // MEMORY_PER_POD
    return max(1, min(PODS_PER_CORE * (os.cpu_count() or 1), by_memory))


def boot_id() -> str:
    """Changes with every boot."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else str(int(psutil.boot_time()))


def hostname() -> str:
    return socket.gethostname()


def release_platform() -> str:
    """What releases of the Runner are built for, such as linux-x86_64."""
    return f"{platform.system()}-{platform.machine()}".lower()


def release_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def operating_system() -> str:
    try:
        named = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        named = f"{platform.system()} {platform.release()}"
    return f"{named} ({platform.machine()})"
