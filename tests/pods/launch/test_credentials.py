"""Credential sets: whose, who may change them, what is left on record."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Role
from pods.access import actor_for_pod, credential_set_for, credentials_for
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RefusedError
from pods.lifecycle import PodState
from pods.models import CredentialSet, Pod, Secret
from pods.services import vault
from pods.services.credentials import (
    CredentialChanges,
    NewCredentials,
    change_credentials,
    create_credentials,
    delete_credentials,
    with_use,
)
from tests.builders import Cast, actor_of, make_credentials, make_pod, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

KEY = "sk-test-0123456789-wxyz"


def make(cast: Cast, **wanted: Any) -> CredentialSet:
    asked = {"name": "Team key", "provider": "anthropic", "api_key": KEY, **wanted}
    return create_credentials(by=actor_of(cast.alice), request=NewCredentials(**asked))


def test_an_owner_makes_one_for_all_and_its_parts_are_sealed(cast: Cast) -> None:
    made = make(cast, base_url="https://models.example/v1", model="opus")
    assert (made.slug, made.user, made.model) == ("team-key", None, "opus")
    references = {each.part: vault.reference(each) for each in made.secrets.all()}
    assert vault.reveal(references) == {"api_key": KEY, "base_url": "https://models.example/v1"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"provider": "nobody"}, "bad_provider"),
        ({"api_key": ""}, "no_key"),
        ({"api_key": "two words"}, "bad_api_key"),
        ({"api_key": "line\nend"}, "bad_api_key"),
        ({"api_key": "x" * 4097}, "bad_api_key"),
        ({"base_url": "ftp://x"}, "bad_base_url"),
        ({"base_url": "https://a b"}, "bad_base_url"),
        ({"model": "--evil"}, "bad_model"),
        ({"name": "!!!"}, "bad_name"),
        ({"name": " ", "slug": "a"}, "bad_name"),
        ({"slug": "A b"}, "bad_slug"),
    ],
)
def test_what_cannot_be_is_refused_without_repeating_a_secret(
    cast: Cast, wrong: dict[str, str], code: str
) -> None:
    with pytest.raises(RefusedError) as error:
        make(cast, **wrong)
    assert error.value.code == code
    assert KEY not in str(error.value)
    assert not any(
        value in str(error.value) for key, value in wrong.items() if value and "api" in key
    )
    assert not CredentialSet.objects.exists()


def test_two_of_one_slug_are_a_conflict_but_a_person_may_have_the_same(cast: Cast) -> None:
    make(cast)
    with pytest.raises(ConflictError):
        make(cast)
    make(cast, personal=True)
    with pytest.raises(ConflictError):
        make(cast, personal=True)
    assert CredentialSet.objects.count() == 2


def test_members_keep_their_own_and_only_admins_the_organizations(cast: Cast) -> None:
    bob = actor_of(cast.bob)
    wanted = {"name": "Mine", "provider": "openai", "api_key": KEY}
    with pytest.raises(NotAllowedError):
        create_credentials(by=bob, request=NewCredentials(**wanted))
    mine = create_credentials(by=bob, request=NewCredentials(**wanted, personal=True))
    assert mine.user == cast.bob


def test_what_is_personal_is_there_for_nobody_else_not_even_the_owner(cast: Cast) -> None:
    bobs = make_credentials(cast.organization, user=cast.bob)
    shared = make_credentials(cast.organization)
    assert list(credentials_for(actor_of(cast.alice))) == [shared]
    assert set(credentials_for(actor_of(cast.bob))) == {bobs, shared}
    assert not credentials_for(actor_of(cast.charlie)).exists()
    for stranger in (cast.alice, cast.charlie):
        with pytest.raises(NotVisibleError):
            credential_set_for(actor_of(stranger), bobs.pk)


def test_viewers_and_pods_keep_none(cast: Cast) -> None:
    vera = make_user("vera", organization=cast.organization, role=Role.VIEWER)
    wanted = NewCredentials(name="x", provider="openai", api_key=KEY, personal=True)
    pod = make_pod(cast.organization, owner=cast.bob)
    for actor in (actor_of(vera), actor_for_pod(pod)):
        with pytest.raises(NotAllowedError):
            create_credentials(by=actor, request=wanted)


def test_a_change_leaves_what_is_not_named(cast: Cast) -> None:
    made = make(cast, base_url="https://a.example", model="opus")
    changes = CredentialChanges(api_key="sk-another-key-0000")
    change_credentials(made, by=actor_of(cast.alice), changes=changes)
    made.refresh_from_db()
    references = {each.part: vault.reference(each) for each in made.secrets.all()}
    assert vault.reveal(references)["api_key"] == "sk-another-key-0000"
    assert (made.name, made.model, len(references)) == ("Team key", "opus", 2)


def test_an_empty_base_url_takes_it_away(cast: Cast) -> None:
    made = make(cast, base_url="https://a.example")
    change_credentials(made, by=actor_of(cast.alice), changes=CredentialChanges(base_url=""))
    assert made.secrets.get().part == Secret.Part.API_KEY


def test_an_empty_key_or_no_change_at_all_is_refused(cast: Cast) -> None:
    made = make(cast)
    for changes in (CredentialChanges(api_key=""), CredentialChanges()):
        with pytest.raises(RefusedError):
            change_credentials(made, by=actor_of(cast.alice), changes=changes)


def test_one_in_use_is_deleted_only_when_its_pods_are_detached(cast: Cast) -> None:
    made, alice = make(cast), actor_of(cast.alice)
    live = make_pod(cast.organization, credentials=made, state=PodState.RUNNING)
    make_pod(cast.organization, credentials=made, state=PodState.COMPLETED)
    with pytest.raises(ConflictError, match="not ended use"):
        delete_credentials(made, by=alice)
    delete_credentials(made, by=alice, detach=True)
    assert not Secret.objects.exists()
    assert Pod.objects.get(pk=live.pk).credentials is None


def test_its_use_is_counted(cast: Cast) -> None:
    made = make(cast)
    make_pod(cast.organization, credentials=made, state=PodState.PENDING)
    make_pod(cast.organization, credentials=made, state=PodState.FAILED)
    counted = with_use(CredentialSet.objects.all()).get()
    assert (vars(counted)["used_by"], vars(counted)["ever_used_by"]) == (1, 2)


def test_all_is_on_record_and_no_secret_is(cast: Cast) -> None:
    made, alice = make(cast), actor_of(cast.alice)
    change_credentials(made, by=alice, changes=CredentialChanges(api_key="sk-another-key-0000"))
    delete_credentials(made, by=alice)
    events = list(AuditEvent.objects.order_by("pk").values("action", "target", "detail"))
    assert [each["action"] for each in events] == [
        "credentials.create",
        "credentials.change",
        "credentials.delete",
    ]
    assert events[1]["detail"] == {"changed": ["api_key"]}
    assert not any(text in str(events) for text in (KEY, "sk-another-key"))


def test_requests_do_not_show_their_secrets() -> None:
    shown = repr(NewCredentials(name="a", provider="openai", api_key=KEY))
    assert KEY not in shown + repr(CredentialChanges(api_key=KEY))
