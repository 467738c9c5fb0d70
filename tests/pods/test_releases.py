"""What is kept as a release of the Runner, and what is not."""

import base64
import io
from pathlib import Path

import pytest

from pods.errors import ConflictError, RefusedError
from pods.models import Release
from pods.services import releases
from pods.services.releases import ReleaseError, Signed
from tests.builders import make_runner
from tests.pods.releases import FITS, Press

pytestmark = pytest.mark.django_db


@pytest.fixture
def press(settings: object, tmp_path: Path) -> Press:
    return Press(settings, tmp_path / "releases")


def test_a_signed_release_is_kept_whole_and_given_to_runners(press: Press) -> None:
    data, _ = press.make("0.2.0")
    release = press.publish("0.2.0")
    path = releases.offered(release.sha256)
    assert path.read_bytes() == data
    assert b"".join(releases.chunks(path, 100)) == data[100:]
    assert releases.newest(make_runner(**FITS)) == release


def test_the_newest_is_so_by_number_and_fits_the_machine(press: Press) -> None:
    for version in ("0.2.0", "0.10.0", "0.9.9"):
        press.publish(version)
    press.publish("0.11.0", python="3.13")
    newest = releases.newest(make_runner(**FITS))
    assert newest
    assert newest.version == "0.10.0"


@pytest.mark.parametrize("bit", [0, 7, 4095])
def test_a_flipped_bit_in_the_archive_is_refused(press: Press, bit: int) -> None:
    data, signed = press.make("0.2.0")
    broken = bytearray(data)
    broken[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ReleaseError, match="not the one that the manifest was signed for"):
        releases.publish(io.BytesIO(bytes(broken)), signed, by="x")
    assert not Release.objects.exists()
    assert list(releases.archive_file("x").parent.glob("*.gz*")) == []


def test_another_key_and_a_changed_manifest_are_refused(press: Press, settings: object) -> None:
    data, signed = press.make("0.2.0")
    forged = Signed(signed.text.replace("0.2.0", "0.3.0"), signed.signature)
    noise = Signed(signed.text, base64.b64encode(b"x" * 64).decode())
    for bad in (forged, noise, Signed(signed.text, "no base64")):
        with pytest.raises(ReleaseError, match="not signed with the key"):
            releases.publish(io.BytesIO(data), bad, by="x")


def test_a_release_that_could_not_speak_with_this_server_is_refused(press: Press) -> None:
    with pytest.raises(ReleaseError, match="speaks protocols 7 to 9"):
        press.publish("0.2.0", protocol=[7, 9])


def test_a_version_is_published_once_until_it_is_withdrawn(press: Press) -> None:
    release = press.publish("0.2.0")
    with pytest.raises(ConflictError):
        press.publish("0.2.0")
    with pytest.raises(ConflictError, match="withdraw it first"):
        press.publish("0.2.0", data=b"another")
    releases.withdraw(release)
    with pytest.raises(RefusedError):
        releases.offered(release.sha256)
    assert press.publish("0.2.0", data=b"another").size == len(b"another")


def test_without_a_key_nothing_is_published(press: Press, settings: object) -> None:
    settings.RELEASE_KEY_FILE.unlink()
    with pytest.raises(ReleaseError, match="release key FILE"):
        press.publish("0.2.0")
    assert releases.public_key() == b""


def test_the_key_is_made_once_and_its_private_half_is_the_operators_alone(
    settings: object, tmp_path: Path
) -> None:
    settings.RELEASE_KEY_FILE = tmp_path / "home" / "release.pub"
    private = tmp_path / "release.pem"
    releases.make_key(private)
    assert private.stat().st_mode & 0o777 == 0o600
    assert len(releases.public_key()) == 32
    assert b"PRIVATE" not in settings.RELEASE_KEY_FILE.read_bytes()
    with pytest.raises(ConflictError):
        releases.make_key(tmp_path / "another.pem")
