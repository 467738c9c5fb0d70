"""What may be wrong with this machine as a Runner, each with its cure."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runner_agent import lock
from runner_agent.config import Config
from runner_agent.jail import confine
from runner_agent.link import identity
from runner_agent.link.enroll import EnrollError, ask_server

REACH_WITHIN_S = 5.0
CLOCK_OFF_S = 300.0  # certificates are dated back by ten minutes
DISK_LOW = 2 << 30  # bytes free below which a Pod may soon have to wait

SOON = timedelta(
    days=7
)  # it is renewed when a third of its life is left: a month, if that was 90 days

GRACE = timedelta(days=7)  # after its end the server still renews it

_RENEW = "A Runner that reaches its server renews it by itself: start it, see to its way to the gateway, read its log."
_ENROLL = "Enroll again with --force and a new token from the Runners page."


@dataclass(frozen=True, slots=True)
class Finding:
    """`cure` is empty when there is nothing to do."""

    check: str
    ok: bool
    text: str
    cure: str = ""

    def data(self) -> dict[str, Any]:
        return asdict(self)

    def row(self) -> tuple[str, str, str]:
        mark = "ok" if self.ok else "FAIL"
        return mark, self.check, f"{self.text}\n→ {self.cure}" if self.cure else self.text


async def examine(config: Config) -> list[Finding]:
    return [
        _certificate(config),
        *await asyncio.to_thread(lambda: list(_server(config))),
        *[await asyncio.to_thread(_gateway, config, address) for address in config.gateways],
        _git(config),
        await _isolation(config),
        _disk(config),
        _daemon(config),
    ]


def _certificate(config: Config) -> Finding:
    try:
        mine = identity.load(config)
    except identity.IdentityError as error:
        return Finding("certificate", ok=False, text="none that can be used", cure=str(error))
    left = mine.left(datetime.now(UTC))
    text = f"valid until {mine.not_after:%Y-%m-%d}"
    if left > SOON:
        return Finding("certificate", ok=True, text=text)
    if left > timedelta():
        text += f", in {left.days} days, and was not renewed"
        return Finding("certificate", ok=False, text=text, cure=_RENEW)
    text = f"expired on {mine.not_after:%Y-%m-%d}"
    cure = _RENEW if left > -GRACE else _ENROLL
    return Finding("certificate", ok=False, text=text, cure=cure)


def _server(config: Config) -> Iterator[Finding]:
    if not config.server:
        return
    asked = time.time()
    try:
        facts = ask_server(config.server)
    except EnrollError as error:
        yield Finding("server", ok=False, text="no answer", cure=str(error))
        return
    yield Finding("server", ok=True, text=f"{config.server} answers")
    if facts.clock is None:
        return
    off = facts.clock - (asked + time.time()) / 2
    near = abs(off) < CLOCK_OFF_S
    cure = "" if near else "Set this machine's clock: timedatectl set-ntp true"
    yield Finding("clock", ok=near, text=f"{off:+.0f} s from the server's", cure=cure)


def _gateway(config: Config, address: str) -> Finding:
    """A TLS handshake with our certificate; a Session would take the place of the daemon's."""
    name, (host, port) = f"gateway {address}", _host_port(address)
    context = ssl.create_default_context(cafile=str(config.ca_file))
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(config.certificate_file, config.key_file)
        with (
            socket.create_connection((host, port), REACH_WITHIN_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            accepted = bool(secure.recv(1))  # the server judges our certificate after the handshake
    except socket.gaierror as error:
        cure = f"Check the DNS of this machine, and {host} in MESH_GATEWAY_ADDRESSES of the server."
        return Finding(name, ok=False, text=f"the name is not found: {error.strerror}", cure=cure)
    except ConnectionRefusedError:
        cure = "Start the gateway on the server (manage.py doctor there tells more)."
        return Finding(name, ok=False, text="connecting is refused: nothing listens", cure=cure)
    except ssl.SSLError as error:
        return Finding(name, ok=False, text=f"TLS fails: {error.reason}", cure=_ENROLL)
    except OSError as error:
        cure = f"Open the way out to {address} (TCP) in the firewall."
        return Finding(name, ok=False, text=f"connecting fails: {error}", cure=cure)
    if not accepted:
        return Finding(name, ok=False, text="it hangs up on our certificate", cure=_ENROLL)
    return Finding(name, ok=True, text="reachable, certificate accepted")


def _git(config: Config) -> Finding:
    program = shutil.which("git", path=config.path)
    if program is None:
        return Finding("git", ok=False, text="not found", cure="Install the package `git`.")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return Finding("git", ok=said.returncode == 0, text=said.stdout.strip() or said.stderr.strip())


async def _isolation(config: Config) -> Finding:
    found = await confine.detect(config)
    if found.level == "jail" or config.isolation == "none":
        return Finding("isolation", ok=True, text=found.level)
    return Finding("isolation", ok=False, text="none: Pods are not confined", cure=found.problem)


def _disk(config: Config) -> Finding:
    free = shutil.disk_usage(config.home if config.home.exists() else config.home.parent).free
    text = f"{free / (1 << 30):.1f} GiB free in {config.home}"
    if free >= DISK_LOW:
        return Finding("disk", ok=True, text=text)
    return Finding("disk", ok=False, text=text, cure="Make room: Pods wait when the disk is full.")


def _daemon(config: Config) -> Finding:
    if (pid := lock.holder(config)) is not None:
        return Finding("daemon", ok=True, text=f"runs as process {pid}")
    return Finding("daemon", ok=False, text="does not run", cure="Start it: mesh-runner run")


def _host_port(address: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(f"//{address}")
    return parts.hostname or "", parts.port or 0
