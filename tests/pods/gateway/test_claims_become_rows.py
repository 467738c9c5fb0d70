"""What a Runner says about its own Pods and Commands, and what the rows then say."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from pods.lifecycle import PodState
from pods.messages import (
    CommandAck,
    CommandResult,
    KeptScreen,
    PodProgress,
    PodReport,
    RunnerHello,
)
from pods.models import Command, Pod, PodEvent, Runner
from pods.models import KeptScreen as KeptScreenRow
from pods.services.dispatch import take
from pods.services.reports import settle, take_inventory
from pods.services.sessions import (
    Attachment,
    RunnerRefusedError,
    StaleEpochError,
    attach,
    begin_anew,
    detach,
    heard,
)
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import queue

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def runner() -> Runner:
    return make_runner(online=False)


def attached(runner: Runner, **hello: Any) -> Attachment:
    return attach(runner.pk, gateway_id="here", hello=RunnerHello(speaks=(1, 1), **hello))


def starting(runner: Runner) -> tuple[Attachment, Pod, str]:
    """A Pod whose start was sent and acknowledged."""
    pod = make_pod(runner=runner, organization=runner.organization, state=PodState.PENDING)
    workspace = make_pod(runner=runner, state=PodState.TERMINATED).workspace
    Pod.objects.filter(pk=pod.pk).update(workspace=workspace)
    session = attached(runner)
    start = queue(runner, "start", pod)
    take(session, 10)
    settle(session, [CommandAck(start)])
    pod.refresh_from_db()
    return session, pod, start


def running(runner: Runner, *, state: PodState = PodState.RUNNING, **fields: Any) -> Pod:
    fields = {"state_since": now() - LONG_AGO} | fields
    return make_pod(runner=runner, state=state, **fields)


def look(pod: Pod) -> Pod:
    pod.refresh_from_db()
    return pod


# ---- start


def test_a_pod_is_starting_from_the_moment_its_command_is_taken(runner: Runner) -> None:
    _, pod, start = starting(runner)
    assert pod.state == PodState.STARTING
    assert Command.objects.get(pk=start).state == "acked"
    steps = pod.events.filter(kind="state").values_list("was", "state")
    assert list(steps) == [("pending", "starting")]


def test_a_start_that_is_done_makes_it_running_and_tells_of_its_workspace(runner: Runner) -> None:
    session, pod, start = starting(runner)
    made = {"path": "/w", "branch": "mesh/x", "base": "main", "base_commit": "abc"}
    result = {"pid": 7, "isolation": "jail", "workspace": made}
    settle(session, [CommandResult(start, "done", result)])
    assert look(pod).state == PodState.RUNNING
    assert pod.isolation == "jail"
    assert pod.started_at is not None
    assert pod.workspace.path == "/w"
    assert pod.workspace.base_commit == "abc"
    assert Command.objects.get(pk=start).result == result


@pytest.mark.parametrize("state", ["failed", "expired"])
def test_a_start_that_did_not_succeed_says_why(runner: Runner, state: Any) -> None:
    session, pod, start = starting(runner)
    settle(session, [CommandResult(start, state, {}, "bad_branch", "There is no branch x.")])
    assert look(pod).state == PodState.FAILED
    assert pod.reason == "There is no branch x."
    assert pod.ended_at is not None
    assert Command.objects.get(pk=start).error_code == "bad_branch"


def test_a_start_nobody_knows_of_is_lost_if_the_runner_does_not_have_the_pod(
    runner: Runner,
) -> None:
    session, pod, start = starting(runner)
    settle(session, [CommandResult(start, "unknown", {}, "runner_died", "The Runner died.")])
    assert look(pod).state == PodState.LOST
    assert pod.events.filter(kind="note").exists()
    assert Command.objects.get(pk=start).state == "unknown"


def test_a_start_nobody_knows_of_leaves_a_pod_that_is_there(runner: Runner) -> None:
    _, pod, start = starting(runner)
    alive = PodReport(pod.key, "running")
    hello = RunnerHello(speaks=(1, 1), pods=(alive,), unfinished_commands=frozenset({start}))
    session = attach(runner.pk, gateway_id="here", hello=hello)
    take_inventory(session, hello)
    assert look(pod).state == PodState.RUNNING
    settle(session, [CommandResult(start, "unknown", {}, "runner_died", "The Runner died.")])
    assert look(pod).state == PodState.RUNNING


def test_a_late_start_result_does_not_bring_a_lost_pod_back(runner: Runner) -> None:
    session, pod, start = starting(runner)
    settle(session, [PodReport(pod.key, "lost", reason="Rebooted.")])
    settle(session, [CommandResult(start, "done")])
    assert look(pod).state == PodState.LOST


# ---- ends


@pytest.mark.parametrize(
    ("state", "report", "to", "reason"),
    [
        (PodState.RUNNING, {"exit_code": 0}, PodState.COMPLETED, ""),
        (PodState.RUNNING, {"exit_code": 3}, PodState.FAILED, "Exit code 3."),
        (PodState.RUNNING, {"exit_code": -9}, PodState.FAILED, "Ended by SIGKILL."),
        (PodState.RUNNING, {"exit_code": -99}, PodState.FAILED, "Ended by signal 99."),
        (PodState.RUNNING, {"exit_code": -1, "asked": True}, PodState.TERMINATED, None),
        (PodState.STOPPING, {"exit_code": 0}, PodState.TERMINATED, None),
        (PodState.STARTING, {"exit_code": 0}, PodState.COMPLETED, ""),
        (PodState.STARTING, {"exit_code": 1, "reason": "No."}, PodState.FAILED, "No."),
        (PodState.LOST, {"exit_code": 0}, PodState.COMPLETED, ""),
    ],
)
def test_an_end(
    runner: Runner, state: PodState, report: Any, to: PodState, reason: str | None
) -> None:
    pod = running(runner, state=state)
    session = attached(runner)
    told = PodReport(pod.key, "ended", end_offset=99, screen={"text": "bye"}, **report)
    settled = settle(session, [told])
    assert settled.ends == [pod.key]
    assert settled.has_freed
    assert look(pod).state == to
    assert (pod.exit_code, pod.end_offset) == (report["exit_code"], 99)
    assert reason is None or pod.reason == reason
    assert pod.kept_screen.screen == {"text": "bye"}


def test_an_end_told_again_is_confirmed_again_and_changes_nothing(runner: Runner) -> None:
    pod = running(runner)
    session = attached(runner)
    settle(session, [PodReport(pod.key, "ended", exit_code=0, end_offset=5)])
    before = pod.events.count()
    again = settle(session, [PodReport(pod.key, "ended", exit_code=1, end_offset=6, asked=True)])
    assert again.ends == [pod.key]
    assert look(pod).state == PodState.COMPLETED
    assert (pod.exit_code, pod.end_offset) == (0, 5)
    assert pod.events.count() == before


def test_a_terminate_that_is_done_ends_the_pod_and_the_report_adds_what_it_knows(
    runner: Runner,
) -> None:
    pod = running(runner, state=PodState.STOPPING)
    terminate = queue(runner, "terminate", pod)
    session = attached(runner)
    take(session, 10)
    settle(session, [CommandResult(terminate, "done", {"exit_code": None})])
    assert look(pod).state == PodState.TERMINATED
    settle(session, [PodReport(pod.key, "ended", exit_code=-15, end_offset=7, asked=True)])
    assert (look(pod).exit_code, pod.end_offset) == (-15, 7)


# ---- the inventory


def test_a_pod_thought_lost_whose_host_lives_is_running_again(runner: Runner) -> None:
    pod = running(runner, state=PodState.LOST)
    told = (PodReport(pod.key, "running"),)
    hello = RunnerHello(speaks=(1, 1), pods=told)
    take_inventory(attached(runner, pods=told), hello)
    assert look(pod).state == PodState.RUNNING


def test_a_pod_the_runner_came_back_without_is_lost(runner: Runner) -> None:
    here, gone, fresh = running(runner), running(runner), running(runner, state_since=now())
    elsewhere = running(make_runner())
    told = (PodReport(here.key, "running"),)
    take_inventory(attached(runner, pods=told), RunnerHello(speaks=(1, 1), pods=told))
    found = [look(pod).state for pod in (here, gone, fresh, elsewhere)]
    assert found == ["running", "lost", "running", "running"]


def test_the_inventory_of_a_runner_that_was_removed_meanwhile_says_so(runner: Runner) -> None:
    session = attached(runner)
    runner.delete()
    with pytest.raises(RunnerRefusedError, match="removed"):
        take_inventory(session, RunnerHello(speaks=(1, 1)))


def test_after_an_older_database_was_put_back_a_hello_knows_all_that_is_older(
    runner: Runner,
) -> None:
    young = running(runner, state_since=now())
    _, starts, start = starting(runner)
    begin_anew()
    younger = running(runner, state_since=now())
    hello = RunnerHello(speaks=(1, 1))
    take_inventory(attach(runner.pk, gateway_id="here", hello=hello), hello)
    assert [look(pod).state for pod in (young, younger, starts)] == ["lost", "running", "lost"]
    assert Command.objects.get(pk=start).state == "unknown"


def test_a_pod_whose_start_is_still_to_come_is_not_lost(runner: Runner) -> None:
    _, pod, start = starting(runner)
    Pod.objects.filter(pk=pod.pk).update(state_since=now() - LONG_AGO)
    Command.objects.filter(pk=start).update(acked_at=now() - LONG_AGO)
    hello = RunnerHello(speaks=(1, 1), unfinished_commands=frozenset({start}))
    take_inventory(attach(runner.pk, gateway_id="here", hello=hello), hello)
    assert look(pod).state == PodState.STARTING


def test_a_command_the_runner_no_longer_has_is_unknown_and_its_pod_lost(runner: Runner) -> None:
    _, pod, start = starting(runner)
    Pod.objects.filter(pk=pod.pk).update(state_since=now() - LONG_AGO)
    Command.objects.filter(pk=start).update(acked_at=now() - LONG_AGO)
    hello = RunnerHello(speaks=(1, 1))
    take_inventory(attach(runner.pk, gateway_id="here", hello=hello), hello)
    assert Command.objects.get(pk=start).state == "unknown"
    assert look(pod).state == PodState.LOST


def test_a_terminated_pod_that_lives_is_terminated_again_once(runner: Runner) -> None:
    pod = make_pod(runner=runner, state=PodState.TERMINATED)
    told = (PodReport(pod.key, "running"),)
    for _ in range(2):
        take_inventory(attached(runner, pods=told), RunnerHello(speaks=(1, 1), pods=told))
    asked = Command.objects.get(pod=pod, kind="terminate")
    assert asked.payload["pod"] == pod.key


# ---- progress and screens


def test_progress_is_one_event_a_step_with_its_newest_line(runner: Runner) -> None:
    pod = running(runner, state=PodState.STARTING)
    session = attached(runner)
    settle(session, [PodProgress(pod.key, "workspace", f"line {n}") for n in range(50)])
    settle(session, [PodProgress(pod.key, "workspace", "done"), PodProgress(pod.key, "agent")])
    said = PodEvent.objects.filter(pod=pod, kind="progress").values_list("step", "text")
    assert list(said) == [("workspace", "done"), ("agent", "")]


def test_the_latest_screen_is_kept(runner: Runner) -> None:
    pod = running(runner)
    session = attached(runner)
    settle(session, [KeptScreen(pod.key, {"text": "one"}), KeptScreen(pod.key, {"text": "two"})])
    assert KeptScreenRow.objects.get(pod=pod).screen == {"text": "two"}


# ---- fencing


def test_a_session_that_was_superseded_writes_nothing(runner: Runner) -> None:
    pod = running(runner)
    id_ = queue(runner)
    old = attached(runner)
    take(old, 1)
    new = attached(runner)
    before = Runner.objects.values().get(pk=runner.pk)
    for write in (
        lambda: settle(old, [PodReport(pod.key, "ended")]),
        lambda: settle(old, [CommandResult(id_, "done")]),
        lambda: take_inventory(old, RunnerHello(speaks=(1, 1))),
        lambda: take(old, 1),
        lambda: heard(old, round_trip_ms=1, clock_offset_ms=1),
    ):
        with pytest.raises(StaleEpochError):
            write()
    detach(old)
    assert Runner.objects.values().get(pk=runner.pk) == before
    assert look(pod).state == PodState.RUNNING
    assert Command.objects.get(pk=id_).state == "queued"
    assert [command.id for command in take(new, 1)] == [id_]


def test_a_result_for_an_earlier_sending_is_taken_although_the_command_waits_again(
    runner: Runner,
) -> None:
    id_ = queue(runner)
    take(attached(runner), 1)
    session = attached(runner)
    settle(session, [CommandResult(id_, "done")])
    assert Command.objects.get(pk=id_).state == "done"
    assert take(session, 1) == []


# ---- what is not sent


def test_a_command_past_its_deadline_is_never_sent(runner: Runner) -> None:
    late = queue(runner, deadline=now() - timedelta(seconds=1))
    good = queue(runner, deadline=now() + timedelta(minutes=1))
    (sent,) = take(attached(runner), 10)
    assert sent.id == good
    assert 50_000 < sent.expires_in_ms <= 60_000
    assert Command.objects.get(pk=late).state == "expired"


def test_a_start_past_its_deadline_fails_its_pod(runner: Runner) -> None:
    pod = make_pod(runner=runner, organization=runner.organization, state=PodState.PENDING)
    queue(runner, "start", pod, deadline=now() - timedelta(seconds=1))
    assert take(attached(runner), 10) == []
    assert look(pod).state == PodState.FAILED


def test_the_start_of_a_pod_that_has_ended_is_cancelled_and_the_next_command_sent(
    runner: Runner,
) -> None:
    pod = make_pod(runner=runner, state=PodState.TERMINATED)
    start, other = queue(runner, "start", pod), queue(runner)
    assert [command.id for command in take(attached(runner), 1)] == [other]
    assert Command.objects.get(pk=start).state == "cancelled"


def test_a_start_into_a_workspace_at_work_fails_with_a_reason(runner: Runner) -> None:
    busy = running(runner)
    pod = make_pod(
        runner=runner,
        organization=runner.organization,
        state=PodState.PENDING,
        workspace=busy.workspace,
    )
    queue(runner, "start", pod)
    assert take(attached(runner), 1) == []
    assert look(pod).state == PodState.FAILED
    assert "Workspace" in pod.reason
