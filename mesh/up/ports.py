"""Which ports the services listen on: web's is asked for, the others are the next free ones, remembered."""

import errno
import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from mesh.up.trouble import TroubleError

LOOKED_AT = 50  # ports above web's
LAST = 65535
_CURES = {
    errno.EADDRINUSE: "Port {web} of {host} is taken: end the program that has it, or choose another one with MESH_PORT.",
    errno.EACCES: "Port {web} needs more rights: choose one above 1023 with MESH_PORT.",
    errno.EADDRNOTAVAIL: "{host} is no address of this machine: set MESH_LISTEN to one that is (0.0.0.0 for all).",
}


@dataclass(frozen=True, slots=True)
class Ports:
    web: int
    gateway: int
    enroll: int


def choose(web: int, host: str, remembered: Path) -> Ports:
    """Runners know the gateway's port, so it is kept as long as it is free."""
    if error := refusal(host, web):
        raise TroubleError(
            _CURES.get(error, "Port {web} of {host} is refused.").format(web=web, host=host)
        )
    before = _read(remembered)
    if (
        before
        and before.web == web
        and all(_is_free(host, p) for p in (before.gateway, before.enroll))
    ):
        return before
    above = range(web + 1, min(web + LOOKED_AT, LAST))
    free = [port for port in above if _is_free(host, port)][:2]
    if len(free) < 2:  # noqa: PLR2004 - one for the gateway, one for enrollment
        raise TroubleError(f"No free ports above {web}: choose another MESH_PORT.")
    ports = Ports(web, *free)
    remembered.write_text(json.dumps(asdict(ports)))
    return ports


def _read(remembered: Path) -> Ports | None:
    return Ports(**json.loads(remembered.read_text())) if remembered.exists() else None


def _is_free(host: str, port: int) -> bool:
    return not refusal(host, port)


def refusal(host: str, port: int) -> int:
    """The errno of listening there; 0 if it works."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0
