"""A Terminal without a websocket: typed into, resized, asked; real gRPC, scripted Runner."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async

from accounts.actor import Actor
from pods.errors import ConflictError, RefusedError, RunnerOfflineError
from pods.messages import Answer, Question
from pods.models import KeptScreen, Runner
from pods.services import terminals
from tests import builders
from tests.pods.terminals.conftest import World
from tests.pods.terminals.runner import FakeRunner

SCREEN = b'{"text": "$", "cols": 80, "rows": 24, "bracketed_paste": true}'


@pytest.fixture
def alice(rows: World) -> Actor:
    return builders.actor_of(rows.owner)


@pytest_asyncio.fixture
async def answers(world: World) -> AsyncIterator[dict[str, Answer]]:
    """What the Runner answers, by the kind of the question; nothing for others."""
    answers = {"screen": Answer("", SCREEN)}

    async def write(message: Any) -> None:
        if isinstance(message, Question) and message.kind in answers:
            given = answers[message.kind]
            answer = Answer(message.id, given.body, given.headers, given.error_code, given.error)
            world.questions.answered(world.runner_row.pk, answer)

    async with asyncio.TaskGroup() as group:
        group.create_task(world.session.write(write))
        yield answers
        world.session.close("draining", "The test is over.")


def call(service: Any, *args: Any, **kwargs: Any) -> Any:
    return database_sync_to_async(service, thread_sensitive=False)(*args, **kwargs)


async def test_text_keys_and_enter_are_typed(
    world: World, runner: FakeRunner, alice: Actor
) -> None:
    taken = await call(
        terminals.type_into, world.pod, by=alice, text="ls", keys=["tab"], submit=True
    )
    assert taken.bytes == 4
    assert runner.pods[world.pod.key].typed == b"ls\t\r"
    assert runner.inputs[-1].data == b"\r"  # alone, or agents take it as part of the paste


async def test_many_lines_are_a_paste_if_the_program_asked_for_that(
    world: World, runner: FakeRunner, alice: Actor, answers: dict[str, Answer]
) -> None:
    await call(terminals.type_into, world.pod, by=alice, text="a\nb")
    assert runner.pods[world.pod.key].typed == b"\x1b[200~a\rb\x1b[201~"


async def test_an_unknown_key_types_nothing(world: World, runner: FakeRunner, alice: Actor) -> None:
    with pytest.raises(RefusedError):
        await call(terminals.type_into, world.pod, by=alice, text="x", keys=["entr"])
    assert not runner.inputs


async def test_one_who_has_control_keeps_others_from_typing(
    world: World, runner: FakeRunner, alice: Actor
) -> None:
    async with world.open(offset=0) as browser:
        await browser.text("state", connected=True)
        browser.type(b"mine")
        await browser.text("control", you=True)
        with pytest.raises(ConflictError) as refused:
            await call(terminals.type_into, world.pod, by=alice, text="yours")
        assert refused.value.code == "control"
        with pytest.raises(ConflictError):
            await call(terminals.resize, world.pod, by=alice, cols=10, rows=10)
    assert runner.pods[world.pod.key].typed == b"mine"


async def test_a_new_size_reaches_the_pty(world: World, runner: FakeRunner, alice: Actor) -> None:
    pod = runner.pods[world.pod.key]
    await call(terminals.resize, world.pod, by=alice, cols=120, rows=40)
    await runner.until(lambda: (pod.cols, pod.rows) == (120, 40))


async def test_typing_into_a_pod_the_runner_has_not_is_refused(
    world: World, runner: FakeRunner, alice: Actor
) -> None:
    del runner.pods[world.pod.key]
    with pytest.raises(ConflictError) as refused:
        await call(terminals.type_into, world.pod, by=alice, text="x")
    assert refused.value.code == "unknown"


async def test_typing_needs_the_runners_terminals(world: World, alice: Actor) -> None:
    with pytest.raises(ConflictError) as refused:
        await call(terminals.type_into, world.pod, by=alice, text="x")
    assert refused.value.code == "reconnecting"


async def test_output_is_what_the_runner_kept(world: World, answers: dict[str, Answer]) -> None:
    answers["output"] = Answer("", b"bytes", {"offset": "7", "end": "99"})
    output = await call(terminals.output, world.pod, 0, 5)
    assert output == terminals.Output(b"bytes", 7, 99)


async def test_only_the_runner_that_was_asked_can_answer(world: World) -> None:
    async def write(message: Any) -> None:
        if isinstance(message, Question):
            world.questions.answered(world.runner_row.pk + 1, Answer(message.id, b"forged"))
            world.questions.answered(world.runner_row.pk, Answer(message.id, b'{"text": "true"}'))

    async with asyncio.TaskGroup() as group:
        group.create_task(world.session.write(write))
        assert await call(terminals.screen, world.pod) == {"text": "true"}
        world.session.close("draining", "The test is over.")


async def test_what_the_runner_finds_wrong_is_said(
    world: World, answers: dict[str, Answer]
) -> None:
    answers["diff"] = Answer("", error_code="bad_branch", error="There is no branch x.")
    with pytest.raises(RefusedError) as refused:
        await call(terminals.workspace_diff, world.pod, base="x")
    assert refused.value.code == "bad_branch"


async def test_a_workspaces_summary_is_kept_for_the_cards(
    world: World, answers: dict[str, Answer]
) -> None:
    body = b'{"git": true, "added": 3, "removed": 1, "dirty": true, "ahead": 2, "as_of": "now"}'
    answers["workspace"] = Answer("", body)
    await call(terminals.workspace, world.pod)
    await world.pod.workspace.arefresh_from_db()
    assert world.pod.workspace.summary["added"] == 3


async def test_while_the_runner_is_away_the_last_screen_is_shown(rows: World) -> None:
    def away() -> None:
        Runner.objects.filter(pk=rows.runner_row.pk).update(
            gateway="", detached_at=rows.runner_row.seen_at
        )

    await database_sync_to_async(away)()
    with pytest.raises(RunnerOfflineError) as offline:
        await call(terminals.screen, rows.pod)
    assert offline.value.detail["since"]
    await KeptScreen.objects.acreate(pod=rows.pod, screen={"text": "last"})
    screen = await call(terminals.screen, rows.pod)
    assert screen["text"] == "last"
    assert screen["as_of"]
    with pytest.raises(RunnerOfflineError):
        await call(terminals.output, rows.pod, 0, 10)


async def test_nobody_waits_for_the_answer_of_a_session_that_ended(world: World) -> None:
    async def write(message: Any) -> None:
        if isinstance(message, Question):
            world.sessions.remove(world.session)
            world.questions.close_of(world.runner_row.pk)

    async with asyncio.TaskGroup() as group:
        group.create_task(world.session.write(write))
        with pytest.raises(RunnerOfflineError):
            await call(terminals.output, world.pod, 0, 10)
        world.session.close("draining", "The test is over.")
