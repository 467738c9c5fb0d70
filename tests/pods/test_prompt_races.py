"""Two who want to do something to one queue at the same moment: one UPDATE decides, and no text is lost or typed twice."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from pods.commands import CommandKind
from pods.errors import ConflictError
from pods.lifecycle import AgentState, PodState
from pods.models import Command, Pod, Prompt
from pods.prompts import PromptState
from pods.services import prompts
from pods.services.milestones import reached
from pods.services.prompt_release import release_next
from tests.builders import actor_of, make_cast, make_pod

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

TOGETHER = 6
ROUNDS = 5


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Each in a thread of its own, begun together; what they returned, or the ConflictError they raised."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = acts[number]()
        except ConflictError as refused:
            results[number] = refused
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def queue_of(count: int) -> tuple[Any, Pod, list[Prompt]]:
    """A Pod whose agent works while they are queued, and is idle then."""
    cast = make_cast()
    pod = make_pod(cast.organization, owner=cast.bob, agent_state=AgentState.WORKING)
    by = actor_of(cast.bob)
    made = [prompts.queue_prompt(pod, by=by, text=f"text {n}") for n in range(count)]
    Pod.objects.filter(pk=pod.pk).update(agent_state=AgentState.IDLE)
    pod.refresh_from_db()
    return by, pod, made


def typed(pod: Pod) -> list[str]:
    commands = Command.objects.filter(pod=pod, kind=CommandKind.PROMPT).order_by("seq")
    return [command.payload["text"] for command in commands]


def test_of_many_releases_one_sends_one_prompt() -> None:
    _, pod, made = queue_of(3)
    released = at_once(*[lambda: release_next(pod.pk)] * TOGETHER)
    assert [prompt for prompt in released if prompt] == [made[0]]
    assert typed(pod) == ["text 0"]


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_an_edit_either_goes_out_or_is_refused(attempt: int) -> None:
    _, pod, (prompt,) = queue_of(1)
    _, edited = at_once(
        lambda: release_next(pod.pk), lambda: prompts.edit_prompt(prompt, text="other")
    )
    kept = Prompt.objects.get(pk=prompt.pk)
    assert kept.state == PromptState.SENT or not isinstance(edited, ConflictError)
    release_next(pod.pk)  # the edit may have held it up
    assert typed(pod) == [Prompt.objects.get(pk=prompt.pk).text]
    assert (typed(pod) == ["other"]) == (not isinstance(edited, ConflictError))


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_what_was_taken_back_is_not_typed(attempt: int) -> None:
    by, pod, (prompt,) = queue_of(1)
    _, removed = at_once(lambda: release_next(pod.pk), lambda: prompts.remove_prompt(prompt, by=by))
    state = Prompt.objects.get(pk=prompt.pk).state
    if isinstance(removed, ConflictError):
        assert (state, typed(pod)) == (PromptState.SENT, ["text 0"])
    else:
        assert state == PromptState.CANCELLED
        assert not Command.objects.filter(pod=pod, state="queued").exists()


def test_a_failed_one_is_tried_again_once() -> None:
    by, pod, (prompt,) = queue_of(1)
    Prompt.objects.filter(pk=prompt.pk).advance(PromptState.SENT)
    Prompt.objects.filter(pk=prompt.pk).advance(PromptState.FAILED)
    at_once(*[lambda: prompts.retry_prompt(prompt, by=by)] * TOGETHER)
    assert [each.retry_of_id for each in pod.prompts.exclude(pk=prompt.pk)] == [prompt.pk]


def test_prompts_queued_together_each_get_a_number_and_a_place_of_their_own() -> None:
    by, pod, _ = queue_of(0)
    Pod.objects.filter(pk=pod.pk).update(agent_state=AgentState.WORKING)
    at_once(*[lambda: prompts.queue_prompt(pod, by=by, text="x")] * TOGETHER)
    assert sorted(each.number for each in pod.prompts.all()) == [*range(1, TOGETHER + 1)]
    assert len({each.place for each in pod.prompts.all()}) == TOGETHER


def test_moves_at_the_same_moment_leave_one_order_of_all() -> None:
    _, pod, made = queue_of(TOGETHER)
    at_once(*[lambda p=p: prompts.move_prompt(p, position=0) for p in made])
    assert {each.pk for each in pod.prompts.queued()} == {each.pk for each in made}
    assert sorted(each.place for each in pod.prompts.queued()) == [*range(1, TOGETHER + 1)]


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_with_the_end_of_its_pod_a_prompt_is_over_whoever_was_first(attempt: int) -> None:
    by, pod, _ = queue_of(2)

    def end() -> None:
        with transaction.atomic():
            Pod.objects.filter(pk=pod.pk).advance(PodState.COMPLETED)
            reached(Pod.objects.get(pk=pod.pk), PodState.COMPLETED)

    at_once(
        end, lambda: release_next(pod.pk), lambda: prompts.queue_prompt(pod, by=by, text="late")
    )
    assert not Prompt.objects.filter(pod=pod, over_at=None).exists()
    assert {each.state for each in pod.prompts.all()} == {PromptState.CANCELLED}
