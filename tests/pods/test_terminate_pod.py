"""Ending a Pod because somebody asked."""

import pytest

from accounts.models import AuditEvent
from pods.commands import CommandKind, CommandState
from pods.errors import RefusedError
from pods.lifecycle import ENDED, PodState
from pods.models import Command, Pod, PodEvent
from pods.services import runners
from pods.services.pods import PodRequest, create_pod, terminate_pod
from tests.builders import Cast, actor_of, built_in, make_pod, make_runner

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def end(cast: Cast, pod: Pod, grace_s: float | None = None) -> Pod:
    return terminate_pod(pod, by=actor_of(cast.alice), grace_s=grace_s)


def ask(cast: Cast) -> Pod:
    built_in("shell")
    return create_pod(by=actor_of(cast.bob), request=PodRequest(agent_type="shell"))


@pytest.mark.parametrize("state", [PodState.STARTING, PodState.RUNNING])
def test_a_live_pod_is_stopped_by_its_runner(cast: Cast, state: PodState) -> None:
    pod = end(cast, make_pod(cast.organization, state=state), grace_s=1.5)
    command = Command.objects.get()
    assert pod.state == PodState.STOPPING
    assert (command.kind, command.runner) == (CommandKind.TERMINATE, pod.runner)
    assert command.payload == {"pod": pod.key, "grace_s": 1.5}
    assert PodEvent.objects.get(pod=pod).was == state
    assert AuditEvent.objects.get().action == "pod.terminate"


def test_a_waiting_pod_ends_at_once(cast: Cast) -> None:
    pod = end(cast, ask(cast))
    assert (pod.state, pod.waiting_for) == (PodState.TERMINATED, "")
    assert pod.ended_at is not None
    assert not Command.objects.exists()


def test_a_pod_no_runner_was_told_of_ends_at_once_and_is_never_started(cast: Cast) -> None:
    make_runner(cast.organization)
    pod = end(cast, ask(cast))
    assert pod.state == PodState.TERMINATED
    assert Command.objects.get().state == CommandState.CANCELLED


def test_its_place_goes_to_one_that_waits(cast: Cast) -> None:
    make_runner(cast.organization, capacity=1)
    first, second = ask(cast), ask(cast)
    assert second.runner is None
    end(cast, first)
    second.refresh_from_db()
    assert second.runner == first.runner


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_pod_already_ended_stays_ended(cast: Cast, state: PodState) -> None:
    pod = end(cast, make_pod(cast.organization, state=state))
    assert pod.state == state
    assert not Command.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_stopping_pod_is_not_told_twice(cast: Cast) -> None:
    pod = make_pod(cast.organization)
    end(cast, pod)
    assert end(cast, pod).state == PodState.STOPPING
    assert Command.objects.count() == 1


def test_a_lost_pod_ends_and_its_runner_is_told_all_the_same(cast: Cast) -> None:
    pod = end(cast, make_pod(cast.organization, state=PodState.LOST))
    assert pod.state == PodState.TERMINATED
    assert Command.objects.get().kind == CommandKind.TERMINATE


def test_a_pod_whose_runner_is_gone_for_good_ends(cast: Cast) -> None:
    pod = make_pod(cast.organization, state=PodState.LOST)
    runners.retire_runner(pod.runner, by=actor_of(cast.alice))
    assert end(cast, pod).state == PodState.TERMINATED
    stranded = make_pod(cast.organization, runner=pod.runner)
    ended = end(cast, stranded)
    assert (ended.state, ended.reason) == (PodState.TERMINATED, "Its Runner is gone for good.")
    assert not Command.objects.exists()


@pytest.mark.parametrize("grace_s", [-0.1, 300.1, float("nan"), float("inf")])
def test_a_grace_that_makes_no_sense_is_refused(cast: Cast, grace_s: float) -> None:
    pod = make_pod(cast.organization)
    with pytest.raises(RefusedError):
        end(cast, pod, grace_s)
    pod.refresh_from_db()
    assert pod.state == PodState.RUNNING


def test_no_grace_is_a_grace(cast: Cast) -> None:
    end(cast, make_pod(cast.organization), grace_s=0)
    assert Command.objects.get().payload["grace_s"] == 0
