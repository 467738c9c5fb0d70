"""Who this Runner is: a key that never leaves the machine, and the certificate the server signed for it."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runner_agent.config import Config
from runner_agent.errors import FinalError
from runner_agent.settings import replace_file

RENEWED_AT = 2 / 3  # of a certificate's life
HASH_DIGITS = 32  # hex digits of the CA's SHA-256 at the end of an enrollment token

logger = logging.getLogger(__name__)


class IdentityError(FinalError):
    """There is no certificate, or it cannot be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    key_pem: bytes
    certificate_pem: bytes
    ca_pem: bytes
    obtained_at: datetime
    not_after: datetime

    @property
    def renew_at(self) -> datetime:
        """Counted from when it was obtained: its own start is dated back, for clocks that are behind."""
        return self.obtained_at + RENEWED_AT * (self.not_after - self.obtained_at)

    @property
    def trusted(self) -> str:
        """Hex SHA-256 over the CA certificates in their order: the server says its own in heartbeats."""
        found = x509.load_pem_x509_certificates(self.ca_pem)
        ders = [one.public_bytes(serialization.Encoding.DER) for one in found]
        return hashlib.sha256(b"".join(ders)).hexdigest()

    def left(self, now: datetime) -> timedelta:
        return self.not_after - now


def load(config: Config) -> Identity:
    """IdentityError when there is none, or it cannot be used."""
    if config.enrolled is None or not config.certificate_file.exists():
        raise IdentityError(
            f"This machine is not enrolled (home {config.home}). Make an enrollment token on the Runners page"
            " and run: mesh-runner enroll --server URL --token TOKEN"
        )
    if config.key_file.stat().st_mode & 0o077:
        raise IdentityError(
            f"{config.key_file} is readable by others. Run: chmod 600 {config.key_file}"
        )
    obtained = datetime.fromtimestamp(config.certificate_file.stat().st_mtime, UTC)
    return make(
        config.key_file.read_bytes(),
        config.certificate_file.read_bytes(),
        config.ca_file.read_bytes(),
        obtained,
    )


def make(key_pem: bytes, certificate_pem: bytes, ca_pem: bytes, obtained: datetime) -> Identity:
    """IdentityError when the certificate is not one for the key."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        x509.load_pem_x509_certificates(ca_pem)
        mine = _public(_key(key_pem).public_key()) == _public(certificate.public_key())
    except (ValueError, TypeError) as error:
        raise IdentityError(f"The certificate or key is damaged ({error}). {_AGAIN}") from error
    if not mine:
        raise IdentityError(f"The certificate is not one for this machine's key. {_AGAIN}")
    obtained = max(obtained, certificate.not_valid_before_utc)
    return Identity(key_pem, certificate_pem, ca_pem, obtained, certificate.not_valid_after_utc)


_AGAIN = "Enroll again with --force and a new token."


def save(config: Config, identity: Identity) -> None:
    """The certificate last: it is what says that the others are there."""
    if not config.key_file.exists() or config.key_file.read_bytes() != identity.key_pem:
        replace_file(config.key_file, identity.key_pem)
    replace_file(config.ca_file, identity.ca_pem)
    replace_file(config.certificate_file, identity.certificate_pem)


def pin_release_key(config: Config, key: bytes) -> None:
    """Keep what releases are signed with. The first one stays: whoever takes over a server must not change it."""
    if not key:
        return
    if not config.release_key_file.exists():
        replace_file(config.release_key_file, key.hex().encode() + b"\n")
    elif config.release_key_file.read_text().strip() != key.hex():
        logger.warning("the server names another release key than %s: not taken", key.hex())


def new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def signing_request(key_pem: bytes) -> bytes:
    """A CSR in PEM. It names nobody: the server decides who this is."""
    empty = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return empty.sign(_key(key_pem), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def trusted(ca_pem: bytes, wanted_hash: str) -> bytes | None:
    """Of the certificates in `ca_pem` the one with this hash, in PEM; None if there is none. ValueError: no PEM."""
    for certificate in x509.load_pem_x509_certificates(ca_pem):
        der = certificate.public_bytes(serialization.Encoding.DER)
        if hashlib.sha256(der).hexdigest()[:HASH_DIGITS] == wanted_hash.lower():
            return certificate.public_bytes(serialization.Encoding.PEM)
    return None


def _key(key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not an EC key")
    return key


def _public(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("not an EC key")
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
