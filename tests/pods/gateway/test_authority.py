"""The certificate authority: made once, kept private, and its servers' certificates renewed at use."""

import multiprocessing
import os
import ssl
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils.timezone import now

from pods.services import certificates
from pods.services.authority import Authority, AuthorityError
from tests.pods.gateway.rig import csr_of, new_key


def test_it_is_made_at_first_use_and_stays(tmp_path: Path) -> None:
    first = Authority(tmp_path / "ca")
    pem = first.ca_pem
    certificate = x509.load_pem_x509_certificate(pem)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.value.ca, basic.value.path_length, basic.critical) == (True, 0, True)
    assert timedelta(days=3649) < certificate.not_valid_after_utc - now() < timedelta(days=3651)
    first.ensure()
    assert Authority(tmp_path / "ca").ca_pem == pem


def test_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    authority.ensure()
    authority.server_credentials("web", ["127.0.0.1"])
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "ca").rglob("*")
        if path.name != "lock"
    }
    assert modes == {
        "ca.key": 0o600,
        "ca.pem": 0o600,
        "servers": 0o700,
        "web.key": 0o600,
        "web.pem": 0o600,
    }


def test_a_key_open_to_others_is_not_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    authority.ensure()
    (tmp_path / "ca" / "ca.key").chmod(0o644)
    with pytest.raises(AuthorityError, match="chmod 600"):
        authority.sign_runner(csr_of(new_key()), 1)


def _make(folder: str, gate: Any, told: Any) -> None:
    gate.wait()
    told.put(Authority(Path(folder)).ca_pem)


def test_of_several_processes_that_start_at_once_one_makes_it(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    gate, told = spawn.Barrier(4), spawn.Queue()
    made = [spawn.Process(target=_make, args=(str(tmp_path / "ca"), gate, told)) for _ in range(4)]
    for process in made:
        process.start()
    pems = {told.get(timeout=20) for _ in made}
    for process in made:
        process.join(20)
    assert len(pems) == 1
    key_and_certificate_match(tmp_path / "ca" / "ca.key", tmp_path / "ca" / "ca.pem")


def key_and_certificate_match(key: Path, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)


def test_a_servers_certificate_names_its_hosts_and_is_used_until_two_thirds_of_its_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "ca")
    first = authority.server_credentials("web", ["127.0.0.1", "mesh.example", "127.0.0.1"])
    certificate = x509.load_pem_x509_certificate(first.certificate_pem)
    assert [str(name.value) for name in certificates.names_of(certificate)] == [
        "spiffe://mesh/server/web",
        "127.0.0.1",
        "mesh.example",
    ]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}

    hosts = ["127.0.0.1", "mesh.example"]
    for days, is_same in ((0, True), (55, True), (61, False)):
        later = now() + timedelta(days=days)
        monkeypatch.setattr("pods.services.authority.now", lambda later=later: later)
        assert (authority.server_credentials("web", hosts) == first) is is_same
    key_and_certificate_match(
        tmp_path / "ca" / "servers" / "web.key", tmp_path / "ca" / "servers" / "web.pem"
    )


def test_a_servers_certificate_follows_its_hosts_and_its_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    first = authority.server_credentials("web", ["a.example"])
    assert authority.server_credentials("web", ["b.example"]) != first
    second = authority.server_credentials("web", ["b.example"])
    for name in ("ca.key", "ca.pem"):
        (tmp_path / "ca" / name).unlink()
    assert authority.server_credentials("web", ["b.example"]) != second
