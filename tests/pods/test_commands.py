"""Asking something of a Runner."""

import threading
from collections.abc import Iterator

import pytest
from celery import current_app

from pods import wakeups
from pods.commands import CommandKind, CommandState
from pods.models import Command, Runner
from pods.services.commands import cancel_queued, queue_command
from pods.tasks import wake
from tests.builders import make_pod, make_runner

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

WITHIN_S = 5.0


def queue(runner: Runner) -> Command:
    return queue_command(runner=runner, kind=CommandKind.EXECUTE, payload={})


def messages(runner: Runner) -> int:
    """How many wake-ups wait for this Runner's gateway."""
    with current_app.connection_for_read() as connection:
        channel = connection.default_channel
        channel.queue_declare(f"runner.{runner.pk}")
        return int(channel._size(f"runner.{runner.pk}"))


@pytest.fixture
def published() -> Iterator[threading.Event]:
    """Set when a wake-up was handed to the broker."""
    from celery.signals import after_task_publish

    done = threading.Event()

    def note(**_: object) -> None:
        done.set()

    after_task_publish.connect(note)
    yield done
    after_task_publish.disconnect(note)


def test_commands_of_one_runner_are_numbered_in_order_and_each_runner_for_itself() -> None:
    first, second = make_runner(), make_runner()
    assert [queue(first).seq, queue(second).seq, queue(first).seq] == [1, 1, 2]


def test_the_holder_of_the_runner_is_woken_after_the_commit(
    published: threading.Event, django_capture_on_commit_callbacks: object
) -> None:
    runner = make_runner()
    before = messages(
        runner
    )  # the broker outlives the rows: another test's Runner may have had this id
    with django_capture_on_commit_callbacks(execute=True):
        queue(runner)
        assert not published.is_set()
    assert published.wait(WITHIN_S)
    assert messages(runner) == before + 1


def test_nobody_is_woken_for_a_runner_that_is_away(
    django_capture_on_commit_callbacks: object,
) -> None:
    runner = make_runner(online=False)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        queue(runner)
    assert callbacks == []


def test_the_task_wakes_the_sender_of_this_process_alone() -> None:
    woken: list[int] = []

    def sender() -> None:
        woken.append(1)

    wakeups.register(7, sender)
    wake(7)
    wake(8)
    wakeups.unregister(7, sender)
    wake(7)
    assert woken == [1]


def test_only_what_was_not_sent_is_cancelled() -> None:
    pod = make_pod()
    for state in CommandState:
        command = queue_command(runner=pod.runner, kind=CommandKind.START, payload={}, pod=pod)
        Command.objects.filter(pk=command.pk).update(state=state)
    assert cancel_queued(pod, CommandKind.START) == 1
    assert Command.objects.filter(state=CommandState.CANCELLED).count() == 2
    assert Command.objects.filter(state=CommandState.SENT).count() == 1
