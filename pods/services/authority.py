"""The certificate authority of this installation: signs Runners and servers, trusts only what it signed."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from django.conf import settings
from django.utils.timezone import now

from pods.errors import MeshError
from pods.services import certificates
from pods.services.signing_requests import public_key_of, runner_uri

CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=90)
SECOND = ("next", "previous")
PRIVATE = 0o600
OPEN_TO_OTHERS = 0o077


class AuthorityError(MeshError):
    """The authority's own files are not as they must be."""


@dataclass(frozen=True, slots=True)
class ServerCredentials:
    key_pem: bytes
    certificate_pem: bytes


class Authority:
    """Its files: `ca.key` (0600), `ca.pem`, and `servers/<name>.{key,pem}`. One lock among all processes.

    While another takes its place (pods/services/rotation.py) there is a second pair, which is trusted too.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._key_file, self._certificate_file = directory / "ca.key", directory / "ca.pem"

    def pair(self, name: str) -> tuple[Path, Path]:
        """The files of a key and its certificate."""
        return self.directory / f"{name}.key", self.directory / f"{name}.pem"

    def ensure(self) -> None:
        """Make the authority at first use; of several processes that start at once, one makes it."""
        with self.alone():
            if not self._key_file.exists():
                _write(self._key_file, certificates.key_pem(certificates.new_key()))
            if not self._certificate_file.exists():
                made = certificates.new_authority(self._key(), CA_LIFE)
                _write(self._certificate_file, certificates.certificate_pem(made))

    def make(self, name: str) -> None:
        """A second pair, beside the one that signs. Call it `alone`."""
        key_file, certificate_file = self.pair(name)
        key = certificates.new_key()
        _write(key_file, certificates.key_pem(key))
        made = certificates.new_authority(key, CA_LIFE)
        _write(certificate_file, certificates.certificate_pem(made))

    @property
    def ca_pem(self) -> bytes:
        """Of the one that signs."""
        if not self._certificate_file.exists():
            self.ensure()
        return self._certificate_file.read_bytes()

    @property
    def trusted_pem(self) -> bytes:
        """All that is trusted now; the one that signs comes first."""
        others = [self.pair(name)[1] for name in SECOND]
        return self.ca_pem + b"".join(one.read_bytes() for one in others if one.exists())

    @property
    def trusted_hash(self) -> str:
        """By which a Runner sees that it trusts others than it should. Hex."""
        found = x509.load_pem_x509_certificates(self.trusted_pem)
        ders = [one.public_bytes(serialization.Encoding.DER) for one in found]
        return hashlib.sha256(b"".join(ders)).hexdigest()

    @property
    def ca_hash(self) -> str:
        """What an enrollment token ends in."""
        return ca_hash(self.ca_pem)

    def sign_runner(
        self, csr_pem: bytes, runner_id: int, days: float | None = None
    ) -> x509.Certificate:
        """Only the public key is taken from the CSR. Raises BadRequestError (signing_requests)."""
        uri = runner_uri(runner_id)
        key = public_key_of(csr_pem, allowed_uri=uri)
        self.ensure()
        who = certificates.Subject(
            f"runner {runner_id}", [x509.UniformResourceIdentifier(uri)], [Usage.CLIENT_AUTH]
        )
        life = timedelta(days=settings.RUNNER_CERTIFICATE_DAYS if days is None else days)
        with self.alone():
            return certificates.issue(who, key, life, ca=self._certificate(), ca_key=self._key())

    def server_credentials(self, name: str, hosts: Sequence[str]) -> ServerCredentials:
        """The key and certificate of a server, made or renewed at use. `name` is a file's name."""
        self.ensure()
        folder = self.directory / "servers"
        key_file, certificate_file = folder / f"{name}.key", folder / f"{name}.pem"
        uri = x509.UniformResourceIdentifier(f"spiffe://mesh/server/{name}")
        who = certificates.Subject(
            name,
            [uri, *certificates.host_names(hosts)],
            # web dials a gateway's private listener with its own server certificate
            [Usage.SERVER_AUTH, Usage.CLIENT_AUTH],
        )
        with self.alone():
            ca = self._certificate()
            folder.mkdir(mode=0o700, exist_ok=True)
            if not (key_file.exists() and _is_good(certificate_file, who, ca)):
                key = certificates.new_key()
                made = certificates.issue(
                    who, key.public_key(), SERVER_LIFE, ca=ca, ca_key=self._key()
                )
                certificate_file.unlink(missing_ok=True)  # never an old one beside a new key
                _write(key_file, certificates.key_pem(key))
                _write(certificate_file, certificates.certificate_pem(made))
            return ServerCredentials(key_file.read_bytes(), certificate_file.read_bytes())

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._certificate_file.read_bytes())

    def _key(self) -> ec.EllipticCurvePrivateKey:
        if self._key_file.stat().st_mode & OPEN_TO_OTHERS:
            raise AuthorityError(
                "ca_key_open",
                f"The key of the certificate authority is open to others: chmod 600 {self._key_file}",
            )
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError("ca_key_kind", f"{self._key_file} is not an EC key.")
        return key

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process signs or changes these files meanwhile. Not again inside."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def ca_hash(ca_pem: bytes) -> str:
    """What a Runner pins: the first 32 hex digits of SHA-256 over the DER of the CA certificate."""
    certificate = x509.load_pem_x509_certificate(ca_pem)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()[:32]


def authority() -> Authority:
    """The one of this installation."""
    return Authority(settings.CA_DIR)


def _is_good(certificate_file: Path, who: certificates.Subject, ca: x509.Certificate) -> bool:
    if not certificate_file.exists():
        return False
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    return (
        certificates.names_of(certificate) == who.names
        and certificate.issuer == ca.subject
        and now() < certificates.renewal_due(certificate)
    )


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and never readable by others."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
