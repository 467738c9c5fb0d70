"""From a token to a certificate, and everything that is refused on the way."""

import asyncio
import base64
import hashlib
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils.timezone import now
from grpc import aio

from accounts.models import AuditEvent, Organization
from pods.models import Certificate, EnrollmentToken, Runner
from pods.services.authority import Authority, authority, ca_hash
from pods.services.certificates import certificate_pem, key_pem, serial_of
from pods.services.enrollment import enroll
from pods.services.runners import create_enrollment_token
from pods.services.signing_requests import BadRequestError, public_key_of
from proto.mesh.v1 import enrollment_pb2, runner_pb2
from tests import builders
from tests.pods.gateway.rig import Rig, csr_of, new_key, running_gateway

JUST_EXPIRED = -1 / 24 / 60  # days

over_the_wire = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_authority(settings: Any, tmp_path: Path) -> None:
    settings.CA_DIR = tmp_path / "ca"


def a_token(**fields: Any) -> str:
    """As an admin makes it, but for `fields`."""
    cast = builders.make_cast()
    actor = builders.actor_of(cast.alice)
    token, secret = create_enrollment_token(organization=cast.organization, by=actor)
    EnrollmentToken.objects.filter(pk=token.pk).update(**fields)
    return secret


def gateway_of_the_installation() -> Any:
    return running_gateway(authority=authority())


async def refused(rig: Rig, token: str, csr: bytes) -> str:
    with pytest.raises(aio.AioRpcError) as caught:
        await rig.enroll(token, csr)
    assert await rig.rows(Runner.objects.count) in {0, 1}
    return f"{caught.value.code().name}: {caught.value.details()}"


# ---- the way in


@over_the_wire
async def test_a_token_makes_a_runner_that_can_open_a_session() -> None:
    async with gateway_of_the_installation() as rig:
        token = await rig.rows(a_token)
        ca_pem = rig.authority.ca_pem
        der = x509.load_pem_x509_certificate(ca_pem).public_bytes(serialization.Encoding.DER)
        assert token.rsplit(".", 1)[1] == hashlib.sha256(der).hexdigest()[:32]
        key = new_key()
        enrolled = await rig.enroll(token, csr_of(key, common_name="root"), "my box!")
        assert enrolled.name == "my-box"
        assert enrolled.ca_pem == ca_pem
        assert list(enrolled.gateways)
        row = await rig.rows(Runner.objects.select_related("organization").get)
        assert (row.pk, row.name, row.organization.slug) == (enrolled.runner_id, "my-box", "acme")
        certificate = x509.load_pem_x509_certificate(enrolled.certificate_pem)
        assert await rig.rows(Certificate.objects.filter(serial=serial_of(certificate)).exists)
        assert await rig.rows(AuditEvent.objects.filter(action="runner.enroll").count) == 1

        async with rig.dial(row, (key_pem(key), enrolled.certificate_pem)) as link:
            await link.say_hello()
            assert (await link.welcome()).runner_name == "my-box"


@over_the_wire
async def test_of_two_that_use_one_token_at_once_one_wins() -> None:
    async with gateway_of_the_installation() as rig:
        token = await rig.rows(a_token)

        async def enter() -> str:
            try:
                await rig.enroll(token, csr_of(new_key()))
            except aio.AioRpcError as error:
                return error.code().name
            return "in"

        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(enter()) for _ in range(4)]
        assert sorted(task.result() for task in tries) == ["UNAUTHENTICATED"] * 3 + ["in"]
        assert await rig.rows(Runner.objects.count) == 1


@over_the_wire
async def test_tokens_that_are_used_expired_or_unknown_are_refused_alike() -> None:
    async with gateway_of_the_installation() as rig:
        token = await rig.rows(a_token)
        csr = csr_of(new_key())
        await rig.enroll(token, csr)
        replayed = await refused(rig, token, csr)
        assert replayed.startswith("UNAUTHENTICATED")
        assert await refused(rig, secrets.token_urlsafe(32), csr) == replayed
        changed = {"used_at": None, "expires_at": now() - timedelta(seconds=1)}
        await rig.rows(EnrollmentToken.objects.update, **changed)
        assert await refused(rig, token, csr) == replayed


@over_the_wire
async def test_a_bad_request_leaves_the_token_for_a_good_one() -> None:
    async with gateway_of_the_installation() as rig:
        token = await rig.rows(a_token)
        authority_wish = csr_of(new_key(), x509.BasicConstraints(ca=True, path_length=None))
        assert "CA:TRUE" in await refused(rig, token, authority_wish)
        await rig.enroll(token, csr_of(new_key()))


@over_the_wire
async def test_a_runner_that_trusts_another_authority_never_sends_its_token(
    tmp_path: Path,
) -> None:
    async with gateway_of_the_installation() as rig:
        other = Authority(tmp_path / "other")
        async with rig.enrollment(other.ca_pem) as stub:
            with pytest.raises(aio.AioRpcError) as caught:
                await stub.Enroll(_request("secret"), timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def _request(token: str) -> Any:
    return enrollment_pb2.EnrollRequest(token=token, csr_pem=csr_of(new_key()), name="x")


@pytest.mark.django_db
def test_names_are_made_unique_in_the_organization() -> None:
    cast = builders.make_cast()
    actor = builders.actor_of(cast.alice)
    names = []
    for name in ("box", "box", "box", "", "a/b\x00c" * 50):
        _, secret = create_enrollment_token(organization=cast.organization, by=actor)
        names.append(enroll(secret, csr_of(new_key()), name).name)
    assert names[:4] == ["box", "box-2", "box-3", "runner"]
    assert len(names[4]) <= 80
    assert names[4].startswith("a-b-ca-b-c")
    assert Organization.objects.get(slug="acme").runners.count() == 5


# ---- what may be signed


FORGED = [
    x509.UniformResourceIdentifier("spiffe://mesh/runner/8"),
    x509.UniformResourceIdentifier("spiffe://mesh/server/gateway"),
    x509.DNSName("localhost"),
]


@pytest.mark.parametrize("name", FORGED, ids=str)
def test_a_forged_name_is_refused(name: x509.GeneralName) -> None:
    own = x509.UniformResourceIdentifier("spiffe://mesh/runner/7")
    for names in ([name], [own, name]):
        csr = csr_of(new_key(), x509.SubjectAlternativeName(names))
        with pytest.raises(BadRequestError, match="SAN"):
            public_key_of(csr, allowed_uri=own.value)
    csr = csr_of(new_key(), x509.SubjectAlternativeName([own]))
    assert public_key_of(csr, allowed_uri=own.value)


def test_the_wish_to_sign_is_refused() -> None:
    usage = dict.fromkeys(
        [
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    csr = csr_of(new_key(), x509.KeyUsage(key_cert_sign=True, **usage))
    with pytest.raises(BadRequestError, match="right to sign"):
        public_key_of(csr, allowed_uri="")


def test_a_signature_that_is_not_its_keys_is_refused() -> None:
    good = csr_of(new_key())
    lines = good.splitlines()
    body = bytearray(base64.b64decode(b"".join(lines[1:-1])))
    body[-3] ^= 1
    encoded = base64.encodebytes(bytes(body))
    with pytest.raises(BadRequestError, match=r"signature is wrong|not a CSR"):
        public_key_of(b"\n".join([lines[0], encoded.strip(), lines[-1]]), allowed_uri="")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP192R1()),
    ],
    ids=["rsa 2048", "ec 192"],
)
def test_a_weak_key_is_refused(key: Any) -> None:
    with pytest.raises(BadRequestError, match="weak"):
        public_key_of(csr_of(key), allowed_uri="")


@pytest.mark.parametrize("csr", [b"", b"hello", b"x" * 20_000])
def test_what_is_no_csr_is_refused(csr: bytes) -> None:
    with pytest.raises(BadRequestError):
        public_key_of(csr, allowed_uri="")


def test_only_the_public_key_is_taken(tmp_path: Path) -> None:
    key = new_key()
    csr = csr_of(
        key,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        common_name="spiffe://mesh/server/gateway",
    )
    signed = Authority(tmp_path / "ca").sign_runner(csr, 7, days=2)
    assert signed.public_key() == key.public_key()
    assert signed.subject.rfc4514_string() == "CN=runner 7"
    extension = signed.extensions.get_extension_for_class
    assert extension(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.UniformResourceIdentifier
    ) == ["spiffe://mesh/runner/7"]
    assert list(extension(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert extension(x509.BasicConstraints).value.ca is False
    assert extension(x509.BasicConstraints).critical
    assert timedelta(minutes=9) < now() - signed.not_valid_before_utc < timedelta(minutes=11)
    assert timedelta(days=1.9) < signed.not_valid_after_utc - now() <= timedelta(days=2)


# ---- renewal


@over_the_wire
async def test_a_runner_renews_on_its_live_connection_and_dials_with_the_new_certificate() -> None:
    async with gateway_of_the_installation() as rig:
        runner = await rig.rows(builders.make_runner, online=False)
        async with rig.session(runner) as link:
            key = new_key()
            renewed = await link.stub.Renew(runner_pb2.RenewRequest(csr_pem=csr_of(key)))
            assert await rig.rows(Certificate.objects.filter(runner=runner).count) == 2
            async with rig.dial(runner, (key_pem(key), renewed.certificate_pem)) as again:
                await again.say_hello()
                assert (await again.welcome()).epoch == 2
            for csr in (b"nonsense", csr_of(key, x509.SubjectAlternativeName(FORGED[:1]))):
                with pytest.raises(aio.AioRpcError) as caught:
                    await link.stub.Renew(runner_pb2.RenewRequest(csr_pem=csr))
                assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def expired_for(age: timedelta, **fields: Any) -> tuple[Any, bytes]:
    """A Runner's key and its certificate, which by the rows ended so long ago."""
    key, runner = new_key(), builders.make_runner(online=False)
    signed = authority().sign_runner(csr_of(key), runner.pk, days=JUST_EXPIRED)
    Certificate.objects.create(
        runner=runner,
        serial=serial_of(signed),
        fingerprint=signed.fingerprint(hashes.SHA256()).hex(),
        not_before=signed.not_valid_before_utc,
        not_after=now() - age,
        **fields,
    )
    return key, certificate_pem(signed)


@over_the_wire
async def test_an_expired_certificate_is_renewed_for_whoever_has_its_key() -> None:
    async with gateway_of_the_installation() as rig:
        key, expired = await rig.rows(expired_for, timedelta(seconds=60))
        runner = await rig.rows(Runner.objects.get)
        async with rig.enrollment() as office:
            reply = await office.RenewExpired(
                enrollment_pb2.RenewExpiredRequest(csr_pem=csr_of(key), certificate_pem=expired)
            )
        assert reply.runner_id == runner.pk
        async with rig.dial(runner, (key_pem(key), reply.certificate_pem)) as link:
            await link.say_hello()
            assert (await link.welcome()).runner_name == runner.name
        flagged = AuditEvent.objects.filter(action="runner.renew_expired")
        assert await rig.rows(flagged.count) == 1


@over_the_wire
async def test_an_expired_certificate_is_not_renewed_for_anybody_else_or_after_a_week() -> None:
    async with gateway_of_the_installation() as rig, rig.enrollment() as office:
        key, expired = await rig.rows(expired_for, timedelta(seconds=60))
        revoked = await rig.rows(expired_for, timedelta(seconds=60), revoked_at=now())
        old = await rig.rows(expired_for, timedelta(days=7, minutes=1))
        stranger = Authority(rig.authority.directory.with_name("stranger"))
        forged = certificate_pem(stranger.sign_runner(csr_of(key), 1))
        for csr, certificate, why in (
            (csr_of(new_key()), expired, "not of the key"),
            (csr_of(revoked[0]), revoked[1], "is revoked"),
            (csr_of(old[0]), old[1], "over 7 days ago"),
            (csr_of(key), forged, "not one of this server's"),
            (csr_of(key), b"nonsense", "no certificate"),
            (b"nonsense", expired, "not a CSR"),
        ):
            request = enrollment_pb2.RenewExpiredRequest(csr_pem=csr, certificate_pem=certificate)
            with pytest.raises(aio.AioRpcError, match=why):
                await office.RenewExpired(request)
        await rig.rows(Runner.objects.update, retired_at=now())
        request = enrollment_pb2.RenewExpiredRequest(csr_pem=csr_of(key), certificate_pem=expired)
        with pytest.raises(aio.AioRpcError, match="was retired"):
            await office.RenewExpired(request)
        assert await rig.rows(Certificate.objects.count) == 3


def test_the_hash_in_tokens_is_of_the_certificate_and_not_of_its_pem(tmp_path: Path) -> None:
    pem = Authority(tmp_path / "ca").ca_pem
    assert ca_hash(pem) == ca_hash(b"# a comment\n" + pem + b"\n")


def test_ed25519_is_not_taken_because_tls_here_does_not_speak_it() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = builder.sign(key, None).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(BadRequestError, match="unknown kind"):
        public_key_of(csr, allowed_uri="")
