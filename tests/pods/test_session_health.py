"""How a Runner's Session is, by REST; and what becomes of the Pods of one that does not come back."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.models import AuditEvent
from pods.errors import ConflictError, NotAllowedError
from pods.gateway.wire import decode
from pods.lifecycle import PodState
from pods.models import Pod, Runner
from pods.services.ends import found_running
from pods.services.lost import declare_lost, lose_of_silent_runners
from pods.services.session_health import health_of
from pods.services.sessions import (
    Attachment,
    RunnerRefusedError,
    StaleEpochError,
    fence,
    heard,
)
from proto.mesh.v1 import runner_pb2
from tests.builders import actor_of, make_pod, make_runner
from tests.pods.api.client import Caller
from tests.pods.gateway.rig import queue

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def silent(cast):
    """A Runner that was last heard from three hours ago, with Pods."""
    runner = make_runner(cast.organization, online=False)
    gone = now() - timedelta(hours=3)
    Runner.objects.filter(pk=runner.pk).update(seen_at=gone, detached_at=gone)
    runner.refresh_from_db()
    for state in (PodState.RUNNING, PodState.STARTING, PodState.STOPPING, PodState.COMPLETED):
        make_pod(runner=runner, state=state)
    return runner


def states(runner):
    return sorted(Pod.objects.filter(runner=runner).values_list("state", flat=True))


# ---- health


def test_a_session_says_since_when_where_how_far_and_what_it_owes(cast):
    runner = make_runner(cast.organization, epoch=7, gateway="here", attached_at=now())
    heard(
        Attachment(runner.pk, 7),
        round_trip_ms=3.5,
        clock_offset_ms=-45_000,
        unacknowledged_bytes=1234,
    )
    queue(runner)
    session = Caller(cast.alice).get(f"runners/{runner.pk}/").json()["session"]
    assert session.pop("since")
    assert session.pop("heard_at")
    assert session == {
        "epoch": 7,
        "gateway": "here",
        "round_trip_ms": 3.5,
        "clock_offset_ms": -45_000,
        "clock_is_off": True,
        "unacknowledged_bytes": 1234,
        "unacknowledged_commands": 0,
        "waiting_commands": 1,
    }


def test_a_runner_that_is_away_has_no_session(cast, silent):
    assert health_of(silent) is None
    assert Caller(cast.alice).get(f"runners/{silent.pk}/").json()["session"] is None


def test_what_a_runner_says_it_owes_is_kept_within_a_column():
    said = runner_pb2.FromRunner(heartbeat={"sent_at_ms": 1, "unsent_bytes": 2**64 - 1})
    assert decode(said).unsent_bytes == 2**63 - 1


# ---- lost


def test_pods_of_a_silent_runner_stay_what_they_are_until_somebody_speaks(cast, silent):
    assert lose_of_silent_runners() == 0
    assert states(silent) == ["completed", "running", "starting", "stopping"]
    pod = Pod.objects.get(runner=silent, state=PodState.RUNNING)
    shown = Caller(cast.alice).get(f"pods/{pod.key}/").json()
    assert shown["disconnected_since"] == silent.detached_at.isoformat()


def test_an_operators_word_loses_them_and_is_on_record(cast, silent):
    answer = Caller(cast.alice).post(f"runners/{silent.pk}/lost/")
    assert answer.status_code == 200
    assert states(silent) == ["completed", "lost", "lost", "lost"]
    assert cast.alice.username in Pod.objects.filter(state=PodState.LOST).first().reason
    assert AuditEvent.objects.get(action="runner.lost").detail["pods"] == 3


def test_nobody_loses_the_pods_of_a_runner_that_is_here(cast):
    runner = make_runner(cast.organization)
    with pytest.raises(ConflictError):
        declare_lost(runner, by=actor_of(cast.alice))


def test_members_do_not_decide_it(cast, silent):
    with pytest.raises(NotAllowedError):
        declare_lost(silent, by=actor_of(cast.bob))
    assert Caller(cast.bob).post(f"runners/{silent.pk}/lost/").status_code == 403
    assert Caller(cast.charlie).post(f"runners/{silent.pk}/lost/").status_code == 404


@pytest.mark.parametrize(("hours", "lost"), [(2, 3), (4, 0)])
def test_a_policy_loses_them_after_its_time(cast, silent, hours, lost):
    cast.organization.lost_after_hours = hours
    cast.organization.save(update_fields=["lost_after_hours"])
    there = make_pod(runner=make_runner(cast.organization), state=PodState.RUNNING)
    assert lose_of_silent_runners() == lost
    assert lose_of_silent_runners() == 0
    assert states(silent).count("lost") == lost
    there.refresh_from_db()
    assert there.state == PodState.RUNNING


def test_one_that_comes_back_after_all_is_found_again(cast, silent):
    declare_lost(silent, by=actor_of(cast.alice))
    pod = Pod.objects.filter(runner=silent, state=PodState.LOST).first()
    found_running(pod)
    pod.refresh_from_db()
    assert pod.state == PodState.RUNNING


def test_a_session_whose_runner_was_removed_is_refused_and_not_called_old() -> None:
    runner = make_runner()
    session = Attachment(runner.pk, runner.epoch)
    Runner.objects.filter(pk=runner.pk).update(epoch=runner.epoch + 1)
    with pytest.raises(StaleEpochError):
        fence(session)
    Runner.objects.filter(pk=runner.pk).delete()
    with pytest.raises(RunnerRefusedError):
        fence(session)
