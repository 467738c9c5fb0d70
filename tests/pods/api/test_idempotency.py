"""A POST that is sent again is answered again, not done again."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from accounts.models import ApiToken
from pods.api.idempotency import REPLAYED
from pods.commands import CommandState
from pods.models import Command, EnrollmentToken, IdempotentAnswer, Pod, Repository, Runner
from tests.builders import Cast, built_in, make_cast, make_pod
from tests.pods.api.client import Caller, error

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

POD = {"agent_type": "shell"}


@pytest.fixture
def bob(cast: Cast) -> Caller:
    built_in("shell")
    return Caller(cast.bob)


def test_the_same_request_gets_the_same_answer_and_is_done_once(bob: Caller) -> None:
    first, second = (bob.post("pods/", POD, key="a") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert REPLAYED not in first.headers
    assert second.headers[REPLAYED] == "true"
    assert Pod.objects.count() == 1


def test_the_order_of_fields_does_not_matter(bob: Caller) -> None:
    bob.post("pods/", '{"agent_type": "shell", "name": "x"}', key="a")
    again = bob.post("pods/", '{"name":"x","agent_type":"shell"}', key="a")
    assert again.status_code == 201
    assert Pod.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [("pods/", {**POD, "name": "other"}), ("repositories/", {"name": "a", "url": "/a"})],
)
def test_the_key_of_another_request_is_refused(
    bob: Caller, path: str, body: dict[str, str]
) -> None:
    bob.post("pods/", POD, key="a")
    refused = bob.post(path, body, key="a")
    assert (refused.status_code, error(refused)["code"]) == (422, "idempotency_mismatch")
    assert not Repository.objects.exists()


def test_another_key_and_no_key_do_it_again(bob: Caller) -> None:
    for key in ("a", "b", "", ""):
        assert bob.post("pods/", POD, key=key).status_code == 201
    assert Pod.objects.count() == 4


def test_keys_are_each_callers_own(cast: Cast, bob: Caller) -> None:
    alice, again = Caller(cast.alice), Caller(cast.bob)
    for caller in (bob, alice, again):
        assert caller.post("pods/", POD, key="a").status_code == 201
    assert Pod.objects.count() == 3


def test_what_was_refused_is_not_remembered(bob: Caller) -> None:
    repository = {**POD, "repository": "mesh"}
    assert bob.post("pods/", repository, key="a").status_code == 400
    bob.post("repositories/", {"name": "mesh", "url": "/mesh"})
    assert bob.post("pods/", repository, key="a").status_code == 201


@pytest.mark.parametrize("key", ["x" * 201, "a\x7fb", "é\x85"])
def test_a_key_that_cannot_be_kept_is_refused(bob: Caller, key: str) -> None:
    refused = bob.post("pods/", POD, key=key)
    assert (refused.status_code, error(refused)["code"]) == (400, "bad_idempotency_key")
    assert not Pod.objects.exists()


def test_a_secret_is_repeated_and_still_not_readable_in_the_database(cast: Cast) -> None:
    alice = Caller(cast.alice)
    body = {"name": "t", "scopes": ["pods:read"]}
    first, second = (alice.post("tokens/", body, key="a").json() for _ in range(2))
    assert first["token"] == second["token"]
    assert ApiToken.objects.filter(name="t").count() == 1
    enrolled, again = (alice.post("runners/enrollment-tokens/", key="b").json() for _ in range(2))
    assert enrolled["token"] == again["token"]
    assert EnrollmentToken.objects.count() == 1
    kept = str(list(IdempotentAnswer.objects.values()))
    assert first["token"] not in kept
    assert enrolled["token"] not in kept


def test_what_ended_a_pod_is_answered_as_it_was_then(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    path = f"pods/{pod.key}/terminate/"
    first = bob.post(path, key="a").json()
    Pod.objects.filter(pk=pod.pk).advance("terminated")
    assert bob.post(path, key="a").json() == first
    assert Command.objects.count() == 1


# ---- what a Runner does


def execute(caller: Caller, pod: Pod, key: str) -> Any:
    return caller.post(f"pods/{pod.key}/execute/", {"argv": ["ls"], "timeout_s": 0.02}, key=key)


def test_a_command_line_is_run_once(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    first, second = execute(bob, pod, "a"), execute(bob, pod, "a")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert Command.objects.count() == 1


def test_what_was_certainly_not_run_may_be_tried_again(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    seen = pod.runner.gateway
    Runner.objects.update(gateway="", detached_at=now())
    assert execute(bob, pod, "a").status_code == 503
    Runner.objects.update(gateway=seen)
    assert execute(bob, pod, "a").status_code == 202


def test_a_request_whose_first_is_still_being_done_is_told_so(cast: Cast, bob: Caller) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    execute(bob, pod, "a")
    IdempotentAnswer.objects.update(status=None, body=None)
    refused = execute(bob, pod, "a")
    assert (refused.status_code, error(refused)["code"]) == (409, "idempotency_in_progress")
    assert Command.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_failed_on_the_runner_is_not_run_again() -> None:
    cast = make_cast()
    bob, pod = Caller(cast.bob), make_pod(cast.organization, owner=cast.bob)
    body = {"argv": ["ls"], "timeout_s": 10}
    answers: list[Any] = []

    def ask() -> None:
        answers.append(bob.post(f"pods/{pod.key}/execute/", body, key="a"))
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    while not Command.objects.filter(state=CommandState.QUEUED).advance(CommandState.SENT):
        assert asking.is_alive()
    Command.objects.advance(CommandState.UNKNOWN, error="It died.", done_at=now())
    asking.join()
    again = bob.post(f"pods/{pod.key}/execute/", body, key="a")
    assert answers[0].status_code == again.status_code == 502
    assert error(answers[0]) == error(again)
    assert Command.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done_and_all_get_its_answer() -> None:
    cast = make_cast()
    built_in("shell")
    bob, barrier = Caller(cast.bob), threading.Barrier(6)
    answers: list[Any] = []

    def ask() -> None:
        barrier.wait()
        answers.append(bob.post("pods/", POD, key="a"))
        connection.close()

    asking = [threading.Thread(target=ask) for _ in range(6)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json()["key"] for answer in answers}) == 1
    assert Pod.objects.count() == 1
