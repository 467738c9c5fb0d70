"""Reading a certificate signing request from a stranger: the public key is taken, the rest only judged."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pods.errors import RefusedError

CSR_MAX = 16 * 1024
RSA_BITS_MIN = 3072
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class BadRequestError(RefusedError):
    """The CSR is not one that we sign; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_csr", message)


def runner_uri(runner_id: int) -> str:
    """Who a Runner is, as its certificate says it."""
    return f"spiffe://mesh/runner/{runner_id}"


def public_key_of(
    csr_pem: bytes, *, allowed_uri: str
) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    """Raises BadRequestError. The CSR may name nobody, or just `allowed_uri`."""
    csr = _load(csr_pem)
    try:
        _check_extensions(csr.extensions, allowed_uri)
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
        raise BadRequestError("The CSR has extensions that cannot be read.") from error
    return _strong(csr)


def is_of_same_key(csr_pem: bytes, certificate_pem: bytes) -> bool:
    """Raises BadRequestError for what is no CSR, or is not signed with its own key."""
    return (
        _load(csr_pem).public_key() == x509.load_pem_x509_certificate(certificate_pem).public_key()
    )


def _load(csr_pem: bytes) -> x509.CertificateSigningRequest:
    if len(csr_pem) > CSR_MAX:
        raise BadRequestError(f"The CSR is larger than {CSR_MAX} bytes.")
    try:
        csr = x509.load_pem_x509_csr(csr_pem)
        signed = csr.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadRequestError("This is not a CSR in PEM.") from error
    if not signed:
        raise BadRequestError("The CSR's signature is wrong: its key was not used to make it.")
    return csr


def _check_extensions(extensions: Iterable[x509.Extension[x509.ExtensionType]], uri: str) -> None:
    for extension in extensions:
        match extension.value:
            case x509.BasicConstraints(ca=True):
                raise BadRequestError("The CSR asks to be a certificate authority (CA:TRUE).")
            case x509.KeyUsage(key_cert_sign=True):
                raise BadRequestError("The CSR asks for the right to sign certificates.")
            case x509.SubjectAlternativeName() as names:
                if list(names) != [x509.UniformResourceIdentifier(uri)]:
                    raise BadRequestError(
                        "The CSR claims a name (SAN). Leave it out: the server names the Runner."
                    )
            case _:
                pass  # not taken over: harmless


def _strong(csr: x509.CertificateSigningRequest) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    key = csr.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN:
        return key
    raise BadRequestError(
        f"The CSR's key is too weak or of an unknown kind: use EC P-256, or RSA of {RSA_BITS_MIN} bits."
    )
