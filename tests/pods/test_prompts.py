"""The queue of prompts of a Pod."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from structlog.contextvars import bound_contextvars

from pods.access import actor_for_pod
from pods.commands import CommandKind, CommandState
from pods.errors import ConflictError, RefusedError
from pods.lifecycle import AgentState, PodState
from pods.messages import PromptStep
from pods.models import Command, InputRecord, Pod, Prompt, Runner
from pods.prompts import PromptState
from pods.services import prompts
from pods.services.pods import PodRequest, create_pod, terminate_pod
from pods.services.prompt_receipts import agent_changed, command_over, pod_runs, went_on
from pods.services.prompt_release import release_next, release_waiting, waits_for
from tests.builders import Cast, actor_of, built_in, make_pod, make_runner

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

Committed = Callable[..., Any]


@pytest.fixture
def pod(cast: Cast) -> Pod:
    return make_pod(cast.organization, owner=cast.bob)


@pytest.fixture
def busy(pod: Pod) -> Pod:
    return does(pod, AgentState.WORKING)


def does(pod: Pod, state: AgentState, **fields: Any) -> Pod:
    Pod.objects.filter(pk=pod.pk).update(agent_state=state, **fields)
    pod.refresh_from_db()
    return pod


def ask(cast: Cast, pod: Pod, text: str = "go on", **options: Any) -> Prompt:
    return prompts.queue_prompt(pod, by=actor_of(cast.bob), text=text, **options)


def waiting(pod: Pod) -> list[str]:
    return [prompt.text for prompt in pod.prompts.queued()]


def commands(pod: Pod) -> list[Command]:
    return list(Command.objects.filter(pod=pod, kind=CommandKind.PROMPT).order_by("seq"))


def steps(prompt: Prompt) -> list[str]:
    return [receipt.step for receipt in prompt.receipts.all()]


def over(prompt: Prompt, state: CommandState, **changes: Any) -> Prompt:
    """Its Runner has said its last about it."""
    prompt.refresh_from_db()
    Command.objects.filter(pk=prompt.command_id).advance(state, done_at=now(), **changes)
    command_over(Command.objects.get(pk=prompt.command_id))
    prompt.refresh_from_db()
    return prompt


STEPS = {
    "steps": [
        {"step": "typed", "at_ms": 1_000, "evidence": "screen"},
        {"step": "submitted", "at_ms": 2_000, "evidence": "box is empty"},
        {"step": "started", "at_ms": 3_000, "evidence": "hook UserPromptSubmit"},
    ]
}


# ---- What a Pod is made for


def test_what_a_pod_is_made_for_is_the_first_of_its_queue_and_not_in_its_start(cast: Cast) -> None:
    make_runner(cast.organization)
    built_in("shell")
    pod = create_pod(
        by=actor_of(cast.bob), request=PodRequest(agent_type="shell", prompt="Fix it\n\n  well\n")
    )
    first = pod.prompts.get()
    assert (first.number, first.text, first.state) == (1, "Fix it\n\n  well", PromptState.QUEUED)
    assert (first.author_kind, first.author_name) == ("person", "bob")
    assert "prompt" not in Command.objects.get(pod=pod).payload
    assert pod.prompt == "Fix it\n\n  well\n"


def test_a_pod_without_a_prompt_has_an_empty_queue(cast: Cast) -> None:
    make_runner(cast.organization)
    built_in("shell")
    pod = create_pod(by=actor_of(cast.bob), request=PodRequest(agent_type="shell"))
    assert not pod.prompts.exists()


def test_it_goes_out_once_the_pod_runs(
    cast: Cast, django_capture_on_commit_callbacks: Committed
) -> None:
    make_runner(cast.organization)
    built_in("shell")
    pod = create_pod(by=actor_of(cast.bob), request=PodRequest(agent_type="shell", prompt="Fix it"))
    Pod.objects.filter(pk=pod.pk).advance(PodState.STARTING)
    assert release_next(pod.pk) is None
    with django_capture_on_commit_callbacks(execute=True):
        Pod.objects.filter(pk=pod.pk).advance(PodState.RUNNING)
        pod_runs(pod)
    assert [command.payload for command in commands(pod)] == [
        {"pod": pod.key, "text": "Fix it", "when": "idle"}
    ]
    assert steps(pod.prompts.get()) == ["queued", "sent"]


# ---- When one goes out


@pytest.mark.parametrize(
    ("state", "when", "goes"),
    [
        (AgentState.IDLE, "idle", True),
        (AgentState.UNKNOWN, "idle", True),
        (AgentState.WORKING, "idle", False),
        (AgentState.WAITING, "idle", False),
        (AgentState.WORKING, "now", True),
        (AgentState.WAITING, "now", True),
    ],
)
def test_one_for_idle_waits_for_the_agent_and_one_for_now_does_not(
    cast: Cast, pod: Pod, state: AgentState, when: str, goes: bool
) -> None:
    does(pod, state)
    ask(cast, pod, when=when)
    assert (release_next(pod.pk) is not None) == goes
    assert bool(commands(pod)) == goes


def test_nothing_is_typed_into_an_open_question(cast: Cast, pod: Pod) -> None:
    does(pod, AgentState.WAITING, question={"id": "1", "text": "May I?", "choices": ["allow"]})
    prompt = ask(cast, pod, when="now")
    assert release_next(pod.pk) is None
    assert waits_for(pod, prompt) == "The agent asks something: answer it first."


def test_one_is_on_its_way_at_a_time_and_the_next_follows_when_it_is_over(
    cast: Cast, pod: Pod, django_capture_on_commit_callbacks: Committed
) -> None:
    first, second = ask(cast, pod, "first"), ask(cast, pod, "second")
    assert release_next(pod.pk) == first
    assert release_next(pod.pk) is None
    assert waits_for(pod, second) == "Prompt 1 is on its way."
    with django_capture_on_commit_callbacks(execute=True):
        over(first, CommandState.DONE, result=STEPS)
    assert [command.payload["text"] for command in commands(pod)] == ["first", "second"]


def test_it_goes_out_when_the_agent_becomes_idle(
    cast: Cast, busy: Pod, django_capture_on_commit_callbacks: Committed
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ask(cast, busy)
    assert commands(busy) == []
    with django_capture_on_commit_callbacks(execute=True):
        agent_changed(does(busy, AgentState.IDLE))
    assert len(commands(busy)) == 1


def test_one_for_now_goes_before_those_that_wait_for_idle(cast: Cast, busy: Pod) -> None:
    ask(cast, busy, "later")
    ask(cast, busy, "now", when="now")
    ask(cast, busy, "now too", when="now")
    assert waiting(busy) == ["now", "now too", "later"]


def test_while_its_runner_is_away_it_waits_and_can_be_changed(cast: Cast) -> None:
    runner = make_runner(cast.organization, online=False)
    pod = make_pod(runner=runner, owner=cast.bob)
    prompt = ask(cast, pod)
    assert release_next(pod.pk) is None
    assert "away" in waits_for(pod, prompt)
    Runner.objects.filter(pk=runner.pk).update(gateway="here")
    assert release_waiting("elsewhere") == 0
    assert release_waiting("here") == 1
    assert release_waiting("here") == 0


# ---- A person at the keyboard


def types(pod: Pod, who: Any, text: str, ago_s: float = 0, **fields: Any) -> None:
    position = InputRecord.objects.filter(pod=pod).count() * 100
    InputRecord.objects.create(
        pod=pod,
        author_kind="person",
        author_id=str(who.pk),
        author_name=who.username,
        writer="w",
        position=position,
        offset=0,
        length=1,
        text=text,
        at=now() - timedelta(seconds=ago_s),
        **fields,
    )


@pytest.mark.parametrize(
    ("text", "ago_s", "waits"),
    [
        ("git sta", 0, True),
        ("git status\r", 1, True),  # perhaps they go on
        ("git status\r", 10, False),
        ("a half line", 10, True),
        ("a half line", 100, False),
        ("\x1b[<35;10;5M\x1b[I", 0, False),  # the mouse went over it
    ],
)
def test_a_prompt_does_not_go_into_a_line_that_a_person_is_typing(
    cast: Cast, pod: Pod, text: str, ago_s: float, waits: bool
) -> None:
    types(pod, cast.alice, text, ago_s)
    prompt = ask(cast, pod)
    assert bool(waits_for(pod, prompt)) == waits
    assert ("alice is typing" in waits_for(pod, prompt)) == waits


def test_a_password_that_is_being_typed_is_not_continued_by_a_prompt(cast: Cast, pod: Pod) -> None:
    types(pod, cast.alice, "", 5, is_hidden=True)
    assert waits_for(pod, ask(cast, pod))


def test_who_types_and_wants_their_own_prompt_now_gets_it(cast: Cast, pod: Pod) -> None:
    types(pod, cast.bob, "half")
    assert waits_for(pod, ask(cast, pod))
    assert waits_for(pod, ask(cast, pod, when="now")) == ""


# ---- While it waits


def test_a_waiting_one_can_be_edited_moved_and_taken_back(cast: Cast, busy: Pod) -> None:
    one, two, three = (ask(cast, busy, text) for text in ("one", "two", "three"))
    assert prompts.edit_prompt(two, text="zwei").text == "zwei"
    prompts.move_prompt(three, before=one.pk)
    assert waiting(busy) == ["three", "one", "zwei"]
    prompts.move_prompt(three, position=9)
    assert waiting(busy) == ["one", "zwei", "three"]
    gone = prompts.remove_prompt(one, by=actor_of(cast.alice))
    assert (gone.state, gone.text) == (PromptState.CANCELLED, "one")
    assert gone.receipts.get(step="cancelled").evidence == "Taken back by alice."
    assert waiting(busy) == ["zwei", "three"]


def test_one_moved_among_those_for_now_is_for_now(cast: Cast, busy: Pod) -> None:
    later, urgent = ask(cast, busy, "later"), ask(cast, busy, "urgent", when="now")
    prompts.move_prompt(later, before=urgent.pk)
    assert (waiting(busy), later.when) == (["later", "urgent"], "now")
    last = ask(cast, busy, "last")
    prompts.move_prompt(later, position=2)
    assert (waiting(busy), later.when) == (["urgent", "last", "later"], "idle")
    assert last.when == "idle"


def test_one_that_was_sent_is_changed_no_more(cast: Cast, pod: Pod) -> None:
    prompt, other = ask(cast, pod), ask(cast, pod, "other")
    release_next(pod.pk)
    Command.objects.update(state=CommandState.SENT, sends=1)
    for change in (
        lambda: prompts.edit_prompt(prompt, text="too late"),
        lambda: prompts.move_prompt(prompt, before=other.pk),
        lambda: prompts.remove_prompt(prompt, by=actor_of(cast.bob)),
        lambda: prompts.retry_prompt(prompt, by=actor_of(cast.bob)),
    ):
        with pytest.raises(ConflictError):
            change()
    assert commands(pod)[0].payload["text"] == "go on"


def test_one_that_has_not_left_the_server_yet_can_still_be_taken_back(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    assert prompts.remove_prompt(prompt, by=actor_of(cast.bob)).state == PromptState.CANCELLED
    assert commands(pod)[0].state == CommandState.CANCELLED


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"text": " \n "}, "empty_prompt"),
        ({"text": "a\0b"}, "bad_prompt"),
        ({"text": "x" * 65_537}, "prompt_too_long"),
        ({"text": "x", "when": "later"}, "bad_when"),
    ],
)
def test_what_is_no_prompt_is_refused(
    cast: Cast, pod: Pod, given: dict[str, str], code: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(cast, pod, **given)
    assert refused.value.code == code
    assert not pod.prompts.exists()


def test_a_queue_has_an_end(cast: Cast, busy: Pod) -> None:
    for number in range(prompts.QUEUE_MAX):
        ask(cast, busy, f"{number}")
    with pytest.raises(ConflictError):
        ask(cast, busy, "one more")


# ---- Receipts


def test_each_step_has_a_receipt_with_time_and_evidence(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    command = commands(pod)[0]
    went_on(command, PromptStep(str(command.pk), "typed", "screen", 1_000))
    went_on(command, PromptStep(str(command.pk), "typed", "again", 9_000))
    prompt.refresh_from_db()
    assert (prompt.state, prompt.over_at) == (PromptState.TYPED, None)
    over(prompt, CommandState.DONE, result=STEPS)
    assert prompt.state == PromptState.STARTED
    assert prompt.over_at
    assert sorted(steps(prompt)) == ["queued", "sent", "started", "submitted", "typed"]
    seen = prompt.receipts.get(step="typed")
    assert (seen.evidence, seen.at.timestamp()) == ("screen", 1.0)


def test_a_step_that_got_lost_is_in_the_result(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    command = commands(pod)[0]
    went_on(command, PromptStep(str(command.pk), "started", "hook", 3_000))
    over(prompt, CommandState.DONE, result=STEPS)
    assert sorted(steps(prompt)) == ["queued", "sent", "started", "submitted", "typed"]


def test_a_runner_that_does_not_verify_is_not_believed_to_have(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    over(prompt, CommandState.DONE, result={"offset": 12})
    assert (prompt.state, bool(prompt.over_at)) == (PromptState.TYPED, True)


def test_odd_claims_of_a_runner_are_left_out(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    odd = [{"step": "queued"}, "typed", {"step": "typed", "at_ms": 10**30, "evidence": 7}]
    over(prompt, CommandState.DONE, result={"steps": odd})
    assert (prompt.state, steps(prompt)) == (PromptState.TYPED, ["queued", "sent", "typed"])


def fail(cast: Cast, pod: Pod, text: str = "go on") -> Prompt:
    prompt = ask(cast, pod, text)
    assert release_next(pod.pk) == prompt
    return over(
        prompt,
        CommandState.FAILED,
        error_code="not_submitted",
        error="Enter was pressed twice and the text is still in the box.",
        result={**STEPS, "steps": STEPS["steps"][:1], "evidence": "> go on"},
    )


def test_a_failure_keeps_text_and_evidence(cast: Cast, pod: Pod) -> None:
    prompt = fail(cast, pod)
    assert (prompt.state, prompt.text, bool(prompt.over_at)) == (PromptState.FAILED, "go on", True)
    assert "still in the box. Seen: > go on" in prompt.receipts.get(step="failed").evidence


def test_after_a_failure_the_queue_waits_for_a_decision(cast: Cast, pod: Pod) -> None:
    failed, after = fail(cast, pod), ask(cast, pod, "after")
    assert release_next(pod.pk) is None
    assert "Prompt 1 failed" in waits_for(pod, after)
    prompts.remove_prompt(failed, by=actor_of(cast.bob))
    assert release_next(pod.pk) == after
    failed.refresh_from_db()
    assert (failed.state, failed.text) == (PromptState.FAILED, "go on")


def test_one_that_waited_goes_out_under_the_id_of_the_request_that_queued_it(
    cast: Cast, busy: Pod
) -> None:
    with bound_contextvars(request_id="queued"):
        ask(cast, busy)
    with bound_contextvars(request_id="something else"):
        assert release_next(does(busy, AgentState.IDLE).pk)
    assert [command.trace for command in commands(busy)] == ["queued"]


def test_trying_again_makes_a_new_one_first_in_the_queue_and_once(cast: Cast, pod: Pod) -> None:
    failed, after = fail(cast, pod), ask(cast, pod, "after")
    again = prompts.retry_prompt(failed, by=actor_of(cast.alice))
    assert (again.number, again.text, again.retry_of, again.author_name) == (
        3, "go on", failed, "alice",
    )  # fmt: skip
    assert waiting(pod) == ["go on", "after"]
    with pytest.raises(ConflictError):
        prompts.retry_prompt(failed, by=actor_of(cast.alice))
    assert release_next(pod.pk) == again
    assert after.pk in [each.pk for each in pod.prompts.queued()]


def test_when_nobody_knows_whether_it_was_typed_it_says_so(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    over(prompt, CommandState.UNKNOWN, error="The Runner died.")
    assert prompt.state == PromptState.FAILED
    assert "not known" in prompt.receipts.get(step="failed").evidence


# ---- The end


def test_with_the_pod_all_that_waits_ends_with_the_reason_and_its_text(
    cast: Cast, pod: Pod
) -> None:
    first, second = ask(cast, pod, "first"), ask(cast, pod, "second")
    release_next(pod.pk)
    Pod.objects.filter(pk=pod.pk).advance(PodState.FAILED, reason="Exit code 3.")
    pod.refresh_from_db()
    from pods.services.milestones import reached

    reached(pod, PodState.FAILED)
    for prompt, text in ((first, "first"), (second, "second")):
        prompt.refresh_from_db()
        assert (prompt.state, prompt.text) == (PromptState.CANCELLED, text)
        assert prompt.receipts.last().evidence == "The Pod has ended. Exit code 3."
    assert commands(pod)[0].state == CommandState.CANCELLED


def test_one_that_was_submitted_before_the_end_stays_submitted(cast: Cast, pod: Pod) -> None:
    prompt = ask(cast, pod)
    release_next(pod.pk)
    command = commands(pod)[0]
    went_on(command, PromptStep(str(command.pk), "submitted", "hook", 1_000))
    Pod.objects.filter(pk=pod.pk).advance(PodState.COMPLETED)
    from pods.services.milestones import reached

    reached(Pod.objects.get(pk=pod.pk), PodState.COMPLETED)
    prompt.refresh_from_db()
    assert (prompt.state, bool(prompt.over_at)) == (PromptState.SUBMITTED, True)


def test_a_pod_that_never_started_has_its_prompt_cancelled(cast: Cast) -> None:
    built_in("shell")
    pod = create_pod(by=actor_of(cast.bob), request=PodRequest(agent_type="shell", prompt="Fix it"))
    terminate_pod(pod, by=actor_of(cast.bob))
    assert pod.prompts.get().state == PromptState.CANCELLED
    with pytest.raises(ConflictError):
        ask(cast, pod)


def test_a_pod_is_the_author_of_what_it_asks_of_another(cast: Cast, pod: Pod) -> None:
    parent = make_pod(cast.organization, name="planner")
    prompt = prompts.queue_prompt(pod, by=actor_for_pod(parent), text="go on")
    assert (prompt.author_kind, prompt.author_pod, prompt.author_name) == (
        "pod", parent, "planner",
    )  # fmt: skip
    assert prompt.author_user is None
