"""Secrets in envelopes: they open where they belong, with a key that is there, and nowhere else."""

import base64

import pytest

from pods.envelope import Envelope, EnvelopeError, keyring, new_key

OLD, NEW = new_key(), new_key()


def test_what_is_sealed_opens_again_and_shows_nothing_of_itself() -> None:
    ring = keyring(OLD)
    envelope = ring.seal("sk-geheim-ä", "1:a")
    assert ring.open(envelope, "1:a") == "sk-geheim-ä"
    assert b"geheim" not in envelope.sealed + envelope.wrapped_key


def test_two_seals_of_the_same_are_not_alike() -> None:
    ring = keyring(OLD)
    first, second = ring.seal("same", "1:a"), ring.seal("same", "1:a")
    assert first.sealed != second.sealed
    assert first.wrapped_key != second.wrapped_key


@pytest.mark.parametrize("elsewhere", ["2:a", "1:b", ""])
def test_in_another_row_or_organization_it_does_not_open(elsewhere: str) -> None:
    ring = keyring(OLD)
    with pytest.raises(EnvelopeError, match="moved here"):
        ring.open(ring.seal("secret", "1:a"), elsewhere)


@pytest.mark.parametrize("at", [0, 12, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    ring = keyring(OLD)
    envelope = ring.seal("secret", "1:a")
    for part in ("sealed", "wrapped_key"):
        held = bytearray(getattr(envelope, part))
        held[at] ^= 1
        parts = {"sealed": envelope.sealed, "wrapped_key": envelope.wrapped_key, part: bytes(held)}
        with pytest.raises(EnvelopeError):
            ring.open(Envelope(envelope.key_id, **parts), "1:a")


def test_after_a_new_key_old_envelopes_open_and_new_ones_are_under_it() -> None:
    old = keyring(OLD).seal("secret", "1:a")
    both = keyring(f"{NEW},{OLD}")
    assert both.open(old, "1:a") == "secret"
    assert both.seal("other", "1:a").key_id == keyring(NEW).current


def test_rewrapped_it_opens_with_the_new_key_alone() -> None:
    old = keyring(OLD).seal("secret", "1:a")
    moved = keyring(f"{NEW}\n{OLD}\n").rewrap(old, "1:a")
    assert moved.sealed == old.sealed
    assert keyring(NEW).open(moved, "1:a") == "secret"
    with pytest.raises(EnvelopeError, match="is not here"):
        keyring(OLD).open(moved, "1:a")


@pytest.mark.parametrize(
    "text", ["", " ,", "short", base64.b64encode(b"x" * 31).decode(), "ü" * 44]
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(EnvelopeError) as error:
        keyring(text)
    assert not text.strip(" ,") or text not in str(error.value)


def test_a_keyring_does_not_show_its_keys() -> None:
    assert OLD not in repr(keyring(OLD))
