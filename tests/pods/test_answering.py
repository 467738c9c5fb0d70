"""Answering what an agent asks, and interrupting it, for a caller who waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from accounts.actor import Scope
from pods.commands import CommandState
from pods.errors import ConflictError, RefusedError, RunnerOfflineError
from pods.lifecycle import AgentState, PodState
from pods.models import Command, Pod, Runner
from pods.services.answering import answer_question, done, interrupt_agent
from tests.builders import Cast, actor_of, make_cast, make_pod
from tests.pods.api.client import Caller, error

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

QUESTION = {"id": "q7", "text": "Run rm -rf build?", "choices": ["allow", "deny", "text"]}
OPTIONS = {
    "id": "q8",
    "text": "Which color?",
    "choices": ["1", "2", "deny"],
    "options": [{"choice": "1", "label": "Red"}, {"choice": "2", "label": "Blue"}],
}
WITHIN_S = 10


def asking(cast: Cast, **fields: Any) -> Pod:
    given = {"agent_state": AgentState.WAITING, "question": QUESTION, **fields}
    return make_pod(cast.organization, owner=cast.bob, **given)


@contextmanager
def runner(state: CommandState, **fields: Any) -> Iterator[None]:
    """Settles the one Command that comes."""
    done = threading.Event()

    def settle() -> None:
        while not Command.objects.exists() and not done.wait(0.01):
            pass
        Command.objects.advance(CommandState.SENT)
        Command.objects.advance(state, done_at=now(), **fields)
        connection.close()

    thread = threading.Thread(target=settle)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(WITHIN_S)


@pytest.mark.django_db(transaction=True)
def test_the_choice_reaches_the_runner_and_who_chose_is_on_record() -> None:
    cast = make_cast()
    pod = asking(cast)
    with runner(CommandState.DONE):
        answered = Caller(cast.bob).post(
            f"pods/{pod.key}/answer/",
            {"question": "q7", "choice": "text", "text": "only build/tmp"},
        )
    assert answered.status_code == 200, answered.content
    command = Command.objects.get()
    assert (command.kind, command.payload) == (
        "answer",
        {"pod": pod.key, "question": "q7", "choice": "text", "text": "only build/tmp"},
    )
    assert pod.events.get(step="answer").text == "bob (test) answered: Run rm -rf build?"


@pytest.mark.parametrize("choice", ["2", "Blue"])
def test_an_option_is_chosen_by_its_number_or_its_label(cast: Cast, choice: str) -> None:
    pod = asking(cast, question=OPTIONS)
    command = answer_question(pod, by=actor_of(cast.bob), question="q8", choice=choice)
    assert command.payload["choice"] == "2"
    assert pod.events.get(step="answer").text == "bob answered “Blue”: Which color?"


def test_an_option_that_is_not_offered_is_refused_with_those_that_are(cast: Cast) -> None:
    pod = asking(cast, question=OPTIONS)
    with pytest.raises(RefusedError, match=r"1 \(Red\), 2 \(Blue\), deny"):
        answer_question(pod, by=actor_of(cast.bob), question="q8", choice="Green")


@pytest.mark.django_db(transaction=True)
def test_what_the_runner_refuses_is_said() -> None:
    cast = make_cast()
    pod = asking(cast)
    with (
        runner(CommandState.FAILED, error_code="no_question", error="It asks nothing."),
        pytest.raises(ConflictError) as refused,
    ):
        done(answer_question(pod, by=actor_of(cast.bob), question="q7", choice="allow"))
    assert (refused.value.code, str(refused.value)) == ("no_question", "It asks nothing.")


@pytest.mark.django_db(transaction=True)
def test_an_interrupt_is_asked_of_the_runner() -> None:
    cast = make_cast()
    pod = make_pod(cast.organization, owner=cast.bob, agent_state=AgentState.WORKING)
    with runner(CommandState.DONE):
        assert Caller(cast.bob).post(f"pods/{pod.key}/interrupt/").status_code == 200
    assert (Command.objects.get().kind, Command.objects.get().payload) == (
        "interrupt",
        {"pod": pod.key},
    )
    assert pod.events.get(step="interrupt").text == "bob (test) interrupted it."


@pytest.mark.parametrize(
    ("given", "error_type", "code"),
    [
        ({"question": "q6", "choice": "allow"}, ConflictError, "other_question"),
        ({"question": "q7", "choice": "allow_always"}, RefusedError, "bad_choice"),
        ({"question": "q7", "choice": "text"}, RefusedError, "no_text"),
    ],
)
def test_nobody_answers_what_they_did_not_read_or_was_not_offered(
    cast: Cast, given: dict[str, str], error_type: type[Exception], code: str
) -> None:
    with pytest.raises(error_type) as refused:
        answer_question(asking(cast), by=actor_of(cast.bob), **given)
    assert getattr(refused.value, "code", "") == code
    assert not Command.objects.exists()


def test_an_agent_that_asks_nothing_is_not_answered(cast: Cast) -> None:
    with pytest.raises(ConflictError):
        answer_question(
            asking(cast, question=None), by=actor_of(cast.bob), question="q7", choice="deny"
        )


def test_of_a_runner_that_is_away_nothing_is_asked(cast: Cast) -> None:
    pod = asking(cast)
    Runner.objects.update(gateway="", detached_at=now())
    pod = Pod.objects.select_related("runner").get(pk=pod.pk)
    with pytest.raises(RunnerOfflineError):
        answer_question(pod, by=actor_of(cast.bob), question="q7", choice="deny")
    with pytest.raises(RunnerOfflineError):
        interrupt_agent(pod, by=actor_of(cast.bob))
    assert not Command.objects.exists()


def test_a_pod_that_does_not_run_is_not_interrupted(cast: Cast) -> None:
    pod = make_pod(cast.organization, owner=cast.bob, state=PodState.STOPPING)
    with pytest.raises(ConflictError):
        interrupt_agent(pod, by=actor_of(cast.bob))


def test_only_who_may_type_answers_and_interrupts(cast: Cast) -> None:
    pod = asking(cast)
    for caller, status in (
        (Caller(cast.charlie), 404),
        (Caller(cast.bob, scopes=[Scope.PODS_READ]), 403),
        (Caller(cast.bob, scopes=[Scope.PODS_READ, Scope.PODS_WRITE]), 403),
    ):
        for verb in ("answer", "interrupt"):
            body = {"question": "q7", "choice": "allow"} if verb == "answer" else {}
            assert caller.post(f"pods/{pod.key}/{verb}/", body).status_code == status
    assert error(Caller(cast.bob).post(f"pods/{pod.key}/answer/", {}))["code"] == "invalid"
    assert not Command.objects.exists()
