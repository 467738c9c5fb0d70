"""Bindings by REST, and the record of what was typed."""

import pytest
from django.utils.timezone import now

from accounts.actor import Scope
from pods.access import actor_for_pod
from pods.models import Binding, InputRecord
from pods.services.bindings import request_binding
from tests.builders import make_pod
from tests.pods.api.client import Caller, error

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def pair(cast):
    return (
        make_pod(cast.organization, owner=cast.bob),
        make_pod(cast.organization, owner=cast.alice),
    )


@pytest.fixture
def request_(pair):
    return request_binding(*pair, by=actor_for_pod(pair[0]), scopes=["terminal:read"])


def test_a_person_asks_for_their_pod_and_the_other_person_accepts(cast, pair):
    wanted = {"holder": pair[0].key, "target": pair[1].key, "scopes": ["terminal:write"]}
    asked = Caller(cast.bob).post("bindings/", wanted)
    assert (asked.status_code, asked.json()["state"]) == (201, "requested")
    path = f"bindings/{asked.json()['id']}/"
    assert error(Caller(cast.bob).post(f"{path}accept/"))["code"] == "not_allowed"
    accepted = Caller(cast.alice).post(f"{path}accept/").json()
    assert (accepted["state"], accepted["decided_by"]) == ("active", "alice (test)")
    assert accepted["scopes"] == ["terminal:read", "terminal:write"]
    late = Caller(cast.alice).post(f"{path}reject/", {"answer": "no"})
    assert (late.status_code, error(late)["code"]) == (409, "binding_state")
    released = Caller(cast.bob).post(f"{path}release/", {"answer": "done"}).json()
    assert (released["state"], released["answer"]) == ("released", "done")


def test_they_are_listed_by_pod_and_state(cast, pair, request_):
    bob = Caller(cast.bob)
    assert [each["id"] for each in bob.get("bindings/").json()["results"]] == [request_.pk]
    for query, count in (
        (f"pod={pair[1].key}", 1),
        (f"pod={make_pod(cast.organization).key}", 0),
        ("state=requested", 1),
        ("state=active", 0),
    ):
        assert len(bob.get(f"bindings/?{query}").json()["results"]) == count
    assert bob.get("bindings/?state=odd").status_code == 400
    assert bob.get("bindings/?pod=pod-nothing").status_code == 404


def test_those_of_others_are_not_there(cast, request_):
    charlie = Caller(cast.charlie)
    assert charlie.get("bindings/").json()["results"] == []
    assert charlie.get(f"bindings/{request_.pk}/").status_code == 404
    for verb in ("accept", "reject", "release"):
        assert charlie.post(f"bindings/{request_.pk}/{verb}/").status_code == 404
    request_.refresh_from_db()
    assert request_.state == "requested"


def test_nobody_binds_pods_they_do_not_manage_or_see(cast, pair):
    foreign = make_pod(cast.stranger, owner=cast.charlie)
    bob = Caller(cast.bob)
    for holder, target, status in (
        (pair[1], pair[0], 403),
        (pair[0], foreign, 404),
        (foreign, pair[0], 404),
    ):
        wanted = {"holder": holder.key, "target": target.key, "scopes": ["terminal:read"]}
        assert bob.post("bindings/", wanted).status_code == status
    assert not Binding.objects.exists()


def test_a_token_without_the_scope_changes_nothing(cast, pair, request_):
    reader = Caller(cast.alice, scopes=[Scope.PODS_READ])
    assert reader.get(f"bindings/{request_.pk}/").status_code == 200
    assert reader.post(f"bindings/{request_.pk}/accept/").status_code == 403


def test_who_typed_what_is_shown_to_those_who_see_the_terminal(cast, pair):
    for position, text in ((0, "ls\r"), (3, "")):
        InputRecord.objects.create(
            pod=pair[0],
            author_kind="person",
            author_id="1",
            author_name="bob",
            writer="person:1:x",
            position=position,
            offset=10 + position,
            length=3,
            text=text,
            is_hidden=not text,
            at=now(),
        )
    found = Caller(cast.alice).get(f"pods/{pair[0].key}/input-records/").json()["results"]
    assert [(each["author_name"], each["text"], each["is_hidden"]) for each in found] == [
        ("bob", "ls\r", False),
        ("bob", "", True),
    ]
    path = f"pods/{pair[0].key}/input-records/"
    assert Caller(cast.charlie).get(path).status_code == 404
    assert Caller(cast.bob, scopes=[Scope.PODS_READ]).get(path).status_code == 403
