"""Running a command line beside an agent, for a caller who waits."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from pods.commands import CommandState
from pods.errors import CommandFailedError, ConflictError, RefusedError, RunnerOfflineError
from pods.lifecycle import PodState
from pods.models import Command, Pod
from pods.services.execute import execute, outcome, wait_until_done
from tests.builders import Cast, actor_of, make_cast, make_pod

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

RESULT = {"exit_code": 0, "stdout": "hi\n", "stderr": "", "truncated": False, "duration_ms": 3}


def run(cast: Cast, pod: Pod, timeout_s: float = 10, argv: tuple[str, ...] = ("ls",)) -> Command:
    return execute(pod, by=actor_of(cast.alice), argv=argv, timeout_s=timeout_s)


def settle(command: Command, state: CommandState, **fields: object) -> None:
    """What a gateway does when the Runner has answered."""
    Command.objects.filter(pk=command.pk).advance(CommandState.SENT)
    assert Command.objects.filter(pk=command.pk).advance(state, done_at=now(), **fields)


def test_it_is_queued_with_the_time_it_is_of_use(cast: Cast) -> None:
    pod = make_pod(cast.organization)
    command = run(cast, pod, timeout_s=30)
    assert command.payload == {"pod": pod.key, "argv": ["ls"], "timeout_s": 30}
    assert now() < command.deadline <= now() + timedelta(seconds=30)


@pytest.mark.parametrize("state", sorted(set(PodState) - {PodState.RUNNING}))
def test_only_a_running_pod_runs_something(cast: Cast, state: PodState) -> None:
    with pytest.raises(ConflictError):
        run(cast, make_pod(cast.organization, state=state))
    assert not Command.objects.exists()


def test_nothing_is_queued_for_a_runner_that_is_away(cast: Cast) -> None:
    pod = make_pod(cast.organization)
    type(pod.runner).objects.update(gateway="", detached_at=now())
    pod.refresh_from_db()
    with pytest.raises(RunnerOfflineError) as offline:
        run(cast, pod)
    assert offline.value.detail["since"] is not None
    assert not Command.objects.exists()


@pytest.mark.parametrize("timeout_s", [0, -1, 601, float("nan")])
def test_a_time_out_that_makes_no_sense_is_refused(cast: Cast, timeout_s: float) -> None:
    with pytest.raises(RefusedError):
        run(cast, make_pod(cast.organization), timeout_s=timeout_s)


def test_an_empty_command_line_is_refused(cast: Cast) -> None:
    with pytest.raises(RefusedError):
        run(cast, make_pod(cast.organization), argv=())


@pytest.mark.django_db(transaction=True)
def test_who_waits_gets_the_answer_when_it_is_there() -> None:
    cast = make_cast()
    command = run(cast, make_pod(cast.organization))

    def answer() -> None:
        settle(command, CommandState.DONE, result=RESULT)
        connection.close()

    gateway = threading.Thread(target=answer)
    gateway.start()
    began = time.monotonic()
    wait_until_done(command, at_most_s=10)
    gateway.join()
    assert outcome(command) == RESULT
    assert time.monotonic() - began < 5


def test_what_was_not_sent_in_time_is_never_run(cast: Cast) -> None:
    command = run(cast, make_pod(cast.organization), timeout_s=0.05)
    wait_until_done(command, at_most_s=0.06)
    assert command.state == CommandState.EXPIRED
    assert not Command.objects.filter(pk=command.pk).advance(CommandState.SENT)


def test_what_was_sent_goes_on_when_nobody_waits_any_more(cast: Cast) -> None:
    command = run(cast, make_pod(cast.organization), timeout_s=0.05)
    Command.objects.advance(CommandState.SENT)
    wait_until_done(command, at_most_s=0.06)
    assert command.state == CommandState.SENT


@pytest.mark.parametrize("state", [CommandState.FAILED, CommandState.UNKNOWN])
def test_what_could_not_be_run_says_so(cast: Cast, state: CommandState) -> None:
    command = run(cast, make_pod(cast.organization))
    settle(command, state, error_code="no_jail", error="The jail is gone.")
    wait_until_done(command, at_most_s=1)
    with pytest.raises(CommandFailedError) as failed:
        outcome(command)
    assert (failed.value.code, str(failed.value)) == ("no_jail", "The jail is gone.")
    assert failed.value.detail == {"command": str(command.pk)}
