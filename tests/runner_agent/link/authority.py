"""A certificate authority of the tests' own: the Runner's tests know no server."""

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE, BACKDATED = timedelta(days=90), timedelta(minutes=10)


class Authority:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        self._certificate = (
            self._signing(name, name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_pem = _pem(self._certificate)
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        self.ca_hash = hashlib.sha256(der).hexdigest()[:32]

    @property
    def token(self) -> str:
        return f"{'t' * 43}.{self.ca_hash}"

    def sign(self, csr_pem: bytes, life: timedelta = LIFE, age: timedelta = BACKDATED) -> bytes:
        """A certificate for a Runner: made `age` ago, and good for `life` from now."""
        public = x509.load_pem_x509_csr(csr_pem).public_key()
        names = [x509.UniformResourceIdentifier("spiffe://mesh/runner/7")]
        return _pem(self._leaf(public, names, ExtendedKeyUsageOID.CLIENT_AUTH, life, age))

    def server(self) -> tuple[bytes, bytes]:
        """Key and certificate of a server on 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        leaf = self._leaf(key.public_key(), names, ExtendedKeyUsageOID.SERVER_AUTH)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return pem, _pem(leaf)

    def _leaf(self, public, names, usage, life=LIFE, age=BACKDATED):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        return (
            self._signing(subject, self._certificate.subject, public, life, age)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _signing(self, subject, issuer, public, life=LIFE, age=BACKDATED):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - age)
            .not_valid_after(now + life)
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
