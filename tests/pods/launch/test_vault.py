"""Secrets as rows: sealed, revealed by reference, put under new keys."""

import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mesh.checks import check_settings
from pods.envelope import EnvelopeError, new_key
from pods.models import CredentialSet, Secret
from pods.services import vault
from pods.services.vault import SecretGoneError
from tests.builders import Cast, make_credentials

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

KEY = "sk-test-0123456789-wxyz"


def kept(cast: Cast, value: str = KEY, **fields: Any) -> Secret:
    return make_credentials(cast.organization, api_key=value, **fields).secrets.get()


def revealed(secret: Secret) -> str:
    return vault.reveal({"api_key": vault.reference(secret)})["api_key"]


def checked(id_: str) -> list[str]:
    return [f"{each.msg} {each.hint}" for each in check_settings() if each.id == id_]


def test_a_secret_is_revealed_by_its_reference_and_lies_sealed(cast: Cast) -> None:
    secret = kept(cast)
    assert revealed(secret) == KEY
    row = Secret.objects.filter(pk=secret.pk).values().get()
    assert KEY not in str(row) + str(bytes(row["sealed"])) + str(bytes(row["wrapped_key"]))


@pytest.mark.parametrize(("value", "hint"), [(KEY, "wxyz"), ("short-key", ""), ("x" * 16, "xxxx")])
def test_only_of_a_long_key_the_last_characters_are_kept_in_sight(
    cast: Cast, value: str, hint: str
) -> None:
    assert kept(cast, value).hint == hint


def test_a_changed_secret_keeps_its_reference(cast: Cast) -> None:
    secret = kept(cast)
    vault.keep(secret.credentials, "api_key", "another-key")
    assert revealed(secret) == "another-key"
    assert Secret.objects.count() == 1


def test_a_deleted_secret_is_gone_and_the_sentence_says_which(cast: Cast) -> None:
    secret = kept(cast)
    reference = vault.reference(secret)
    secret.credentials.delete()
    with pytest.raises(SecretGoneError, match="deleted \\(api_key\\)"):
        vault.reveal({"api_key": reference})


@pytest.mark.parametrize("reference", ["", "secret:", "secret:1", "nothing"])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(SecretGoneError):
        vault.reveal({"api_key": reference})


def test_a_ciphertext_in_another_row_does_not_open(cast: Cast) -> None:
    ours, theirs = kept(cast), make_credentials(cast.stranger, api_key="other").secrets.get()
    moved = {"sealed": ours.sealed, "wrapped_key": ours.wrapped_key, "key_id": ours.key_id}
    Secret.objects.filter(pk=theirs.pk).update(**moved)
    with pytest.raises(SecretGoneError, match="moved here"):
        revealed(theirs)


def test_a_set_that_went_to_another_organization_does_not_open(cast: Cast) -> None:
    secret = kept(cast)
    CredentialSet.objects.filter(pk=secret.credentials_id).update(organization=cast.stranger)
    with pytest.raises(SecretGoneError, match="moved here"):
        revealed(secret)


# ---- The key file


def test_the_key_file_is_made_at_the_first_use_for_its_owner_alone(
    cast: Cast, key_file: Path
) -> None:
    assert not key_file.exists()
    kept(cast)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_key_file_that_others_can_read_is_an_error_with_the_cure(
    cast: Cast, key_file: Path
) -> None:
    kept(cast)
    assert checked("mesh.E009") == []
    key_file.chmod(0o640)
    assert f"chmod 600 {key_file}" in checked("mesh.E009")[0]


def test_a_key_file_that_holds_none_is_an_error(cast: Cast, key_file: Path) -> None:
    kept(cast)
    assert checked("mesh.E010") == []
    key_file.write_text("not a key\n")
    assert "32 random bytes" in checked("mesh.E010")[0]


def test_a_key_file_that_was_named_and_is_missing_is_an_error(
    cast: Cast, tmp_path: Path, settings: Any
) -> None:
    settings.SECRETS_KEY_FILE = tmp_path / "elsewhere"
    assert "cannot be read" in checked("mesh.E010")[0]
    with pytest.raises(EnvelopeError, match="cannot be read"):
        kept(cast)
    assert not settings.SECRETS_KEY_FILE.exists()


def test_without_the_key_nothing_opens_and_the_sentence_says_what_to_put_back(
    cast: Cast, key_file: Path
) -> None:
    secret = kept(cast)
    key_file.unlink()
    with pytest.raises(SecretGoneError, match="put it back"):
        revealed(secret)


# ---- Rotation


def test_rotation_puts_every_secret_under_a_new_key_and_the_old_one_can_go(
    cast: Cast, key_file: Path, capsys: Any
) -> None:
    secrets = [kept(cast, f"{KEY}{n}") for n in range(3)]
    before = key_file.read_text()
    call_command("rotate_secrets", "--new-key")
    assert "3 secrets" in capsys.readouterr().out
    assert key_file.read_text().endswith(before)
    assert [revealed(secret) for secret in secrets] == [f"{KEY}{n}" for n in range(3)]
    call_command("rotate_secrets", "--forget")
    assert before.strip() not in key_file.read_text()
    assert [revealed(secret) for secret in secrets] == [f"{KEY}{n}" for n in range(3)]
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_what_was_sealed_before_a_rotation_opens_while_it_is_not_yet_through(
    cast: Cast, key_file: Path
) -> None:
    secret = kept(cast)
    key_file.write_text(f"{new_key()}\n{key_file.read_text()}")
    assert revealed(secret) == KEY
    with pytest.raises(EnvelopeError, match="still under an old key"):
        vault.forget_old_keys()
    assert vault.rotate(new=False) == 1
    assert vault.rotate(new=False) == 0


def test_more_secrets_than_one_batch_are_all_rotated(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "BATCH", 2)
    for _ in range(5):
        kept(cast)
    assert vault.rotate(new=True) == 5


def test_with_the_key_in_the_environment_it_is_changed_there(cast: Cast, settings: Any) -> None:
    old, new = new_key(), new_key()
    settings.SECRETS_KEY = old
    secret = kept(cast)
    with pytest.raises(CommandError, match="put a new one before it"):
        call_command("rotate_secrets", "--new-key")
    settings.SECRETS_KEY = f"{new},{old}"
    call_command("rotate_secrets", stdout=StringIO())
    settings.SECRETS_KEY = new
    assert revealed(secret) == KEY
    with pytest.raises(EnvelopeError, match="take the old ones away there"):
        vault.forget_old_keys()
