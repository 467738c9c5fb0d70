"""F13: the Runner's clock is wrong. A little does no harm and is shown; before the server's certificate it says so."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.faults.system import PROGRAMS
from tests.journeys.system import wait

ELSEWHEN = PROGRAMS / "elsewhen"
MOVED = f"env PYTHONPATH={ELSEWHEN} MOVED_BY=%d python -m runner_agent run --home $MESH_HOME/runner"


@pytest.mark.parametrize("by", [540, -540, 3600])
def test_f13_a_wrong_clock_does_no_harm_and_is_shown(rig, api, note, by):
    epoch = rig.epoch()
    with rig.instead("runner", command=MOVED % by):
        rig.attached_after(epoch)
        key = api.run("sh", "-c", "echo once")
        assert api.becomes(key, "completed") == "completed"
        assert api.output(key) == b"once\r\n"
        shown = wait(lambda: (rig.runner["session"] or {}).get("clock_offset_ms"))
        note("offset", shown / 1000)
        assert rig.runner["session"]["clock_is_off"]
    assert abs(shown / 1000 - by) < 5


@contextmanager
def certificate_of_tomorrow(rig):
    """What a Runner sees whose clock is behind: the gateway's certificate is not valid yet."""
    file, ca = rig.home / "ca" / "servers" / "local.pem", rig.home / "ca" / "ca.key"
    kept = file.read_bytes()
    now = x509.load_pem_x509_certificate(kept)
    later = x509.CertificateBuilder(
        now.issuer,
        now.subject,
        now.public_key(),
        x509.random_serial_number(),
        datetime.now(UTC) + timedelta(days=1),
        now.not_valid_after_utc,
        list(now.extensions),
    )
    key = serialization.load_pem_private_key(ca.read_bytes(), None)
    signed = later.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    try:
        with rig.stopped("gateway"):
            file.write_bytes(signed)
        yield
    finally:
        with rig.stopped("gateway"):
            file.write_bytes(kept)


def test_f13_a_clock_before_the_servers_certificate_is_an_error_that_is_said(rig):
    with certificate_of_tomorrow(rig):
        wait(lambda: "certificate" in _status(rig).lower(), lambda: _status(rig))
        assert not rig.online()
    rig.attached()


def _status(rig):
    return (rig.home / "runner" / "status.json").read_text()
