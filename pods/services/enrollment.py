"""How a machine becomes a Runner, and how it renews its certificate."""

import re
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts import audit
from accounts.access import digest, system_actor
from pods.errors import MeshError
from pods.models import Certificate, EnrollmentToken, Runner
from pods.news import announce
from pods.services.authority import authority
from pods.services.certificates import certificate_pem, issuer_of, serial_of
from pods.services.releases import public_key
from pods.services.sessions import RunnerRefusedError, refuse_unusable
from pods.services.signing_requests import BadRequestError, is_of_same_key

NAME_MAX = 60  # leaves room for a number that makes it unique
NAMES_TRIED = 1000
GRACE = timedelta(days=7)  # after its end a certificate can still be renewed


class BadTokenError(MeshError):
    """The enrollment token is unknown, used or expired: said in the same words."""

    def __init__(self) -> None:
        super().__init__(
            "bad_token", "This enrollment token is unknown, used or expired. Make a new one."
        )


@dataclass(frozen=True, slots=True)
class Enrolled:
    runner_id: int
    name: str
    certificate_pem: bytes
    ca_pem: bytes
    gateways: tuple[str, ...]  # host:port, any of them may be dialled
    release_key: bytes = b""


def enroll(token: str, csr_pem: bytes, name: str) -> Enrolled:
    """Use the token up and make the Runner, in one transaction.

    Raises BadTokenError, BadRequestError (signing_requests).
    """
    with transaction.atomic():
        used = _use(token)
        runner = _create_runner(used.organization_id, _clean(name))
        signed = authority().sign_runner(csr_pem, runner.pk)
        _keep(signed, runner)
        EnrollmentToken.objects.filter(pk=used.pk).update(runner=runner)
        audit.record(
            system_actor(used.organization_id),
            "runner.enroll",
            runner.name,
            runner=runner.pk,
            token=used.pk,
            created_by=used.created_by_id,
            serial=serial_of(signed),
        )
        announce(runner.organization_id, "runner", str(runner.pk))
    return _answer(runner, signed)


def renew(runner_id: int, csr_pem: bytes) -> Enrolled:
    """A further certificate for a Runner whose present one is good.

    Raises RunnerRefusedError, BadRequestError (signing_requests).
    """
    with transaction.atomic():
        runner = Runner.objects.filter(pk=runner_id).first()
        if runner is None:
            raise RunnerRefusedError("revoked", "There is no such Runner.")
        return _renewed(runner, csr_pem, "runner.renew")


def renew_expired(expired_pem: bytes, csr_pem: bytes) -> Enrolled:
    """For a Runner that was away when its certificate was due. That the CSR is of the same key proves who asks.

    Raises RunnerRefusedError, BadRequestError (signing_requests).
    """
    with transaction.atomic():
        known = _issued(expired_pem)
        if known.revoked_at:
            raise RunnerRefusedError("revoked", f"The certificate of {known.runner} is revoked.")
        if known.not_after < now() - GRACE:
            raise RunnerRefusedError(
                "expired", f"The certificate of {known.runner} expired over {GRACE.days} days ago."
            )
        if not is_of_same_key(csr_pem, expired_pem):
            raise RunnerRefusedError("revoked", "The CSR is not of the key of that certificate.")
        past = {"expired_at": known.not_after.isoformat(), "expired": known.serial}
        return _renewed(known.runner, csr_pem, "runner.renew_expired", **past)


def _issued(certificate_pem: bytes) -> Certificate:
    """By its fingerprint: nobody else can have made one that has it."""
    try:
        fingerprint = x509.load_pem_x509_certificate(certificate_pem).fingerprint(hashes.SHA256())
    except ValueError as error:
        raise BadRequestError("This is no certificate in PEM.") from error
    ours = Certificate.objects.select_related("runner")
    if known := ours.filter(fingerprint=fingerprint.hex()).first():
        return known
    raise RunnerRefusedError("revoked", "This certificate is not one of this server's.")


def _renewed(runner: Runner, csr_pem: bytes, action: str, **facts: str) -> Enrolled:
    refuse_unusable(runner)
    signed = authority().sign_runner(csr_pem, runner.pk)
    _keep(signed, runner)
    audit.record(
        system_actor(runner.organization_id),
        action,
        runner.name,
        runner=runner.pk,
        serial=serial_of(signed),
        **facts,
    )
    return _answer(runner, signed)


def _use(token: str) -> EnrollmentToken:
    """One UPDATE both checks and spends it: of two parallel uses one wins."""
    mine = EnrollmentToken.objects.filter(digest=digest(token))
    if not mine.filter(used_at=None, expires_at__gt=now()).update(used_at=now()):
        raise BadTokenError
    return mine.get()


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:NAME_MAX] or "runner"


def _create_runner(organization_id: int, wanted: str) -> Runner:
    for number in range(1, NAMES_TRIED):
        name = wanted if number == 1 else f"{wanted}-{number}"
        if Runner.objects.filter(organization_id=organization_id, name=name).exists():
            continue
        try:
            with transaction.atomic():
                return Runner.objects.create(organization_id=organization_id, name=name)
        except IntegrityError:
            continue  # another enrollment took it just now
    raise MeshError("name_taken", f"No free name like {wanted} was found: choose another.")


def _keep(signed: x509.Certificate, runner: Runner) -> None:
    Certificate.objects.create(
        runner=runner,
        serial=serial_of(signed),
        fingerprint=signed.fingerprint(hashes.SHA256()).hex(),
        issuer=issuer_of(signed),
        not_before=signed.not_valid_before_utc,
        not_after=signed.not_valid_after_utc,
    )


def _answer(runner: Runner, signed: x509.Certificate) -> Enrolled:
    return Enrolled(
        runner_id=runner.pk,
        name=runner.name,
        certificate_pem=certificate_pem(signed),
        ca_pem=authority().trusted_pem,
        gateways=tuple(settings.GATEWAY_ADDRESSES),
        release_key=public_key(),
    )
