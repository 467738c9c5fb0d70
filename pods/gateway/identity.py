"""Who is on the other end of a connection: from its certificate, and from nothing else."""

import asyncio
import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from pods.gateway.calls import Context
from pods.gateway.pool import Pool
from pods.services.certificates import serial_of
from pods.services.sessions import check_certificate

_RUNNER = re.compile(r"spiffe://mesh/runner/([0-9]{1,18})")
_SERVER = re.compile(r"spiffe://mesh/server/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class RunnerIdentity:
    runner_id: int
    serial: str  # lower-case hex


def runner_of(context: Context) -> RunnerIdentity | None:
    """None if the peer's certificate is not a Runner's."""
    pem = _pem(context)
    return _runner_in(pem) if pem else None


@lru_cache(maxsize=1024)  # what it says never changes; `Standing` knows whether it is still good
def _runner_in(pem: bytes) -> RunnerIdentity | None:
    certificate = x509.load_pem_x509_certificate(pem)
    uri = _uri(certificate)
    if not uri or not (match := _RUNNER.fullmatch(uri)):
        return None
    return RunnerIdentity(int(match[1]), serial_of(certificate))


def is_server(context: Context) -> bool:
    """Whether the peer's certificate is one of this installation's servers."""
    pem = _pem(context)
    uri = pem and _uri(x509.load_pem_x509_certificate(pem))
    return bool(uri and _SERVER.fullmatch(uri))


def _pem(context: Context) -> bytes | None:
    """Its certificate, verified by TLS against our CA; here it is only read."""
    return next(iter(context.auth_context().get("x509_pem_cert", [])), None)


def _uri(certificate: x509.Certificate) -> str | None:
    """The one URI of a certificate that our CA made."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if len(uris) == 1 else None


class Standing:
    """Whether certificates are still good, asked of the database at most every `believed_s` seconds each."""

    def __init__(self, pool: Pool, believed_s: float) -> None:
        self._pool, self._believed_s = pool, believed_s
        self._good_until: dict[RunnerIdentity, float] = {}

    async def check(self, who: RunnerIdentity) -> None:
        """Raises RunnerRefusedError."""
        if self._good_until.get(who, 0) > asyncio.get_running_loop().time():
            return
        self._good_until.pop(who, None)
        await self._pool.run(check_certificate, who.runner_id, who.serial)
        self.confirm(who)

    def confirm(self, who: RunnerIdentity) -> None:
        """The sweep has just seen it."""
        self._good_until[who] = asyncio.get_running_loop().time() + self._believed_s

    def forget(self, who: RunnerIdentity) -> None:
        self._good_until.pop(who, None)
